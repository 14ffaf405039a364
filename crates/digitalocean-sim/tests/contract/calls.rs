//! Every call that the client can make, in every form that its types allow for.

use std::future::Future;
use std::pin::Pin;

use digitalocean::{
    ActionId, BackupPlan, BackupPolicy, Client, CreateDroplet, CreateProject, DatabaseId, DropletAction,
    DropletId, Error, FirewallId, ImageId, ImageRef, InvoiceId, KubernetesId, LoadBalancerId,
    ProjectEnvironment, ProjectId, RecordDraft, RecordId, RecordType, SnapshotId, SnapshotResource,
    SshKeyRef, Taggable, TaggableType, Urn, UserData, VolumeId,
};

type Outcome = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

pub(crate) struct Call {
    /// As the document writes it.
    pub(crate) operation: &'static str,
    pub(crate) make: Box<dyn Fn(Client) -> Outcome>,
}

fn call<F>(operation: &'static str, make: impl Fn(Client) -> F + 'static) -> Call
where
    F: Future<Output = Result<(), Error>> + 'static,
{
    Call { operation, make: Box::new(move |client| Box::pin(make(client))) }
}

/// One call that answers something, and drops it.
macro_rules! call {
    ($operation:literal, |$client:ident| $($made:tt)+) => {
        call($operation, |$client| async move { ($($made)+).await.map(drop) })
    };
}

const UUID: &str = "4de7ac8b-495b-4884-9a69-1050c6793cd6";
const DROPLET: DropletId = DropletId(3_164_444);

pub(crate) fn all() -> Vec<Call> {
    [reads(), listings(), writes(), droplet_creations(), droplet_actions(), records()]
        .into_iter()
        .flatten()
        .collect()
}

fn reads() -> Vec<Call> {
    vec![
        call!("GET /v2/account", |it| it.account().get()),
        call!("GET /v2/droplets/{droplet_id}", |it| it.droplets().get(DROPLET)),
        call!("GET /v2/droplets/{droplet_id}/actions/{action_id}", |it| it
            .droplets()
            .action(DROPLET, ActionId(7))),
        call!("GET /v2/actions/{action_id}", |it| it.actions().get(ActionId(36_804_636))),
        call!("GET /v2/images/{image_id}", |it| it.images().get("ubuntu-24-04-x64")),
        call!("GET /v2/images/{image_id}", |it| it.images().get(ImageId(6_918_990))),
        call!("GET /v2/snapshots/{snapshot_id}", |it| it.snapshots().get(&SnapshotId::from(6_372_321))),
        call!("GET /v2/snapshots/{snapshot_id}", |it| it.snapshots().get(&SnapshotId::from(UUID))),
        call!("GET /v2/domains/{domain_name}", |it| it.domains().get("example.com")),
        call!("GET /v2/tags/{tag_id}", |it| it.tags().get("extra-awesome")),
        call!("GET /v2/volumes/{volume_id}", |it| it.volumes().get(&VolumeId::from(UUID))),
        call!("GET /v2/reserved_ips/{reserved_ip}", |it| it.reserved_ips().get([45, 55, 96, 47].into())),
        call!("GET /v2/firewalls/{firewall_id}", |it| it.firewalls().get(&FirewallId::from(UUID))),
        call!("GET /v2/load_balancers/{lb_id}", |it| it.load_balancers().get(&LoadBalancerId::from(UUID))),
        call!("GET /v2/projects/{project_id}", |it| it.projects().get(&ProjectId::from(UUID))),
        call!("GET /v2/projects/default", |it| it.projects().get_default()),
        call!("GET /v2/databases/{database_cluster_uuid}", |it| it.databases().get(&DatabaseId::from(UUID))),
        call!("GET /v2/kubernetes/clusters/{cluster_id}", |it| it
            .kubernetes()
            .get(&KubernetesId::from(UUID))),
        call!("GET /v2/customers/my/balance", |it| it.billing().balance()),
        call!("GET /v2/customers/my/invoices", |it| it.billing().preview()),
        call!("GET /v2/customers/my/invoices/{invoice_uuid}/summary", |it| it
            .billing()
            .summary(&UUID.into())),
        call!("GET /v2/customers/my/invoices/{invoice_uuid}/csv", |it| it.billing().csv(&UUID.into())),
    ]
}

fn listings() -> Vec<Call> {
    vec![
        call!("GET /v2/droplets", |it| it.droplets().list().into_future()),
        call!("GET /v2/droplets", |it| it.droplets().list().per_page(7).into_future()),
        call!("GET /v2/droplets", |it| it.droplets().list_tagged("env:demo").into_future()),
        call!("GET /v2/droplets", |it| it.droplets().list_named("edge-1").into_future()),
        call!("GET /v2/droplets/{droplet_id}/snapshots", |it| it.droplets().snapshots(DROPLET).into_future()),
        call!("GET /v2/droplets/{droplet_id}/backups", |it| it.droplets().backups(DROPLET).into_future()),
        call!("GET /v2/droplets/{droplet_id}/actions", |it| it.droplets().actions(DROPLET).into_future()),
        call!("GET /v2/actions", |it| it.actions().list().into_future()),
        call!("GET /v2/regions", |it| it.regions().list().into_future()),
        call!("GET /v2/sizes", |it| it.sizes().list().into_future()),
        call!("GET /v2/images", |it| it.images().list().into_future()),
        call!("GET /v2/images", |it| it.images().list_distributions().into_future()),
        call!("GET /v2/images", |it| it.images().list_private().into_future()),
        call!("GET /v2/snapshots", |it| it.snapshots().list().into_future()),
        call!("GET /v2/snapshots", |it| it.snapshots().list_of(&SnapshotResource::Droplet).into_future()),
        call!("GET /v2/snapshots", |it| it.snapshots().list_of(&SnapshotResource::Volume).into_future()),
        call!("GET /v2/domains", |it| it.domains().list().into_future()),
        call!("GET /v2/domains/{domain_name}/records", |it| it.records("example.com").list().into_future()),
        call!("GET /v2/domains/{domain_name}/records", |it| it
            .records("example.com")
            .list_named("www", Some(&RecordType::A))
            .into_future()),
        call!("GET /v2/tags", |it| it.tags().list().into_future()),
        call!("GET /v2/volumes", |it| it.volumes().list().into_future()),
        call!("GET /v2/reserved_ips", |it| it.reserved_ips().list().into_future()),
        call!("GET /v2/firewalls", |it| it.firewalls().list().into_future()),
        call!("GET /v2/load_balancers", |it| it.load_balancers().list().into_future()),
        call!("GET /v2/projects", |it| it.projects().list().into_future()),
        call!("GET /v2/projects/{project_id}/resources", |it| it
            .projects()
            .resources(&ProjectId::from(UUID))
            .into_future()),
        call!("GET /v2/databases", |it| it.databases().list().into_future()),
        call!("GET /v2/kubernetes/clusters", |it| it.kubernetes().list().into_future()),
        call!("GET /v2/customers/my/billing_history", |it| it.billing().history().into_future()),
        call!("GET /v2/customers/my/invoices", |it| it.billing().invoices().into_future()),
        call!("GET /v2/customers/my/invoices/{invoice_uuid}", |it| it
            .billing()
            .items(&InvoiceId::from(UUID))
            .into_future()),
    ]
}

fn writes() -> Vec<Call> {
    let droplet =
        || vec![Taggable { resource_id: "9569411".to_owned(), resource_type: TaggableType::Droplet }];
    let project = |environment: Option<ProjectEnvironment>| CreateProject {
        name: "my-web-api".to_owned(),
        purpose: "Service or API".to_owned(),
        description: environment.as_ref().map(|_| "My website API".to_owned()),
        environment,
    };
    vec![
        call!("DELETE /v2/droplets/{droplet_id}", |it| it.droplets().destroy(DROPLET)),
        call!("DELETE /v2/snapshots/{snapshot_id}", |it| it.snapshots().delete(&SnapshotId::from(6_372_321))),
        call!("DELETE /v2/domains/{domain_name}/records/{domain_record_id}", |it| it
            .records("example.com")
            .delete(RecordId(7))),
        call!("GET /v2/domains/{domain_name}/records/{domain_record_id}", |it| it
            .records("example.com")
            .get(RecordId(7))),
        call!("POST /v2/tags", |it| it.tags().create("extra-awesome")),
        call("POST /v2/tags/{tag_id}/resources", move |it| async move {
            it.tags().tag("extra-awesome", &droplet()).await
        }),
        call("DELETE /v2/tags/{tag_id}/resources", move |it| async move {
            it.tags().untag("extra-awesome", &droplet()).await
        }),
        call(
            "POST /v2/projects",
            move |it| async move { it.projects().create(&project(None)).await.map(drop) },
        ),
        call("POST /v2/projects", move |it| async move {
            it.projects().create(&project(Some(ProjectEnvironment::Production))).await.map(drop)
        }),
        call!("POST /v2/projects/{project_id}/resources", |it| it
            .projects()
            .assign(&ProjectId::from(UUID), &[Urn::from("do:droplet:13457723"), Urn::from("do:space:a")])),
    ]
}

fn weekly() -> BackupPolicy {
    BackupPolicy { plan: BackupPlan::Weekly, weekday: Some("SUN".to_owned()), hour: Some(4) }
}

fn droplet_creations() -> Vec<Call> {
    let least = || CreateDroplet {
        name: "example.com".to_owned(),
        size: "s-1vcpu-1gb".to_owned(),
        image: ImageRef::from("ubuntu-24-04-x64"),
        ..CreateDroplet::default()
    };
    let most = move || CreateDroplet {
        region: Some("nyc3".to_owned()),
        image: ImageRef::from(ImageId(6_918_990)),
        ssh_keys: vec![
            SshKeyRef::Id(289_794),
            SshKeyRef::Fingerprint("3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45".to_owned()),
        ],
        backups: true,
        backup_policy: Some(weekly()),
        ipv6: true,
        monitoring: true,
        tags: vec!["env:prod".to_owned(), "web".to_owned()],
        user_data: Some(UserData::from("#cloud-config\n")),
        volumes: vec![UUID.to_owned()],
        vpc_uuid: Some(UUID.to_owned()),
        with_droplet_agent: Some(true),
        public_networking: Some(true),
        ..least()
    };
    let create = |wanted: CreateDroplet| {
        call("POST /v2/droplets", move |it| {
            let wanted = wanted.clone();
            async move { it.droplets().create(&wanted).await.map(drop) }
        })
    };
    vec![create(least()), create(most())]
}

fn droplet_actions() -> Vec<Call> {
    let image = || ImageId(12_389_723);
    let actions = vec![
        DropletAction::PowerOn,
        DropletAction::PowerOff,
        DropletAction::PowerCycle,
        DropletAction::Shutdown,
        DropletAction::Reboot,
        DropletAction::Snapshot { name: "Nifty New Snapshot".to_owned() },
        DropletAction::Resize { size: "s-2vcpu-2gb".to_owned(), disk: true },
        DropletAction::Resize { size: "s-2vcpu-2gb".to_owned(), disk: false },
        DropletAction::Rename { name: "nifty-new-name".to_owned() },
        DropletAction::Rebuild { image: ImageRef::from(image()) },
        DropletAction::Rebuild { image: ImageRef::from("ubuntu-24-04-x64") },
        DropletAction::Restore { image: image() },
        DropletAction::EnableBackups { backup_policy: None },
        DropletAction::EnableBackups { backup_policy: Some(weekly()) },
        DropletAction::DisableBackups,
        DropletAction::ChangeBackupPolicy { backup_policy: weekly() },
        DropletAction::PasswordReset,
        DropletAction::EnableIpv6,
    ];
    let act = |action: DropletAction| {
        call("POST /v2/droplets/{droplet_id}/actions", move |it| {
            let action = action.clone();
            async move { it.droplets().act(DROPLET, &action).await.map(drop) }
        })
    };
    actions.into_iter().map(act).collect()
}

fn records() -> Vec<Call> {
    let draft = |kind: &str, data: &str| RecordDraft::new(RecordType::from(kind), "www", data);
    let with_priority = |draft: RecordDraft| RecordDraft { priority: Some(10), ..draft };
    let drafts = vec![
        draft("A", "162.10.66.0").with_ttl(1800),
        draft("AAAA", "2001:db8::1"),
        draft("CNAME", "example.com."),
        with_priority(draft("MX", "mail.example.com.")),
        draft("NS", "ns1.example.com."),
        draft("TXT", "v=spf1 -all"),
        RecordDraft { port: Some(5060), weight: Some(5), ..with_priority(draft("SRV", "sip.example.com.")) },
        RecordDraft { flags: Some(0), tag: Some("issue".to_owned()), ..draft("CAA", "letsencrypt.org.") },
    ];
    let mut calls = Vec::new();
    for draft in drafts {
        let update = draft.clone();
        calls.push(call("POST /v2/domains/{domain_name}/records", move |it| {
            let draft = draft.clone();
            async move { it.records("example.com").create(&draft).await.map(drop) }
        }));
        calls.push(call("PUT /v2/domains/{domain_name}/records/{domain_record_id}", move |it| {
            let draft = update.clone();
            async move { it.records("example.com").update(RecordId(3_352_896), &draft).await.map(drop) }
        }));
    }
    calls
}
