//! The resources that are only read, and projects: where they are asked for, and what is kept of them.

use digitalocean::{
    AssignmentStatus, CreateProject, DropletId, FirewallStatus, InvoiceId, KubernetesState,
    LoadBalancerStatus, ProjectEnvironment, Urn,
};
use serde_json::json;

use crate::server::{Server, droplet, ok, status};

const REGION: &str =
    r#"{"name":"Frankfurt 1","slug":"fra1","features":["storage"],"available":true,"sizes":[]}"#;

async fn listing(key: &str, objects: &str) -> Server {
    let body = format!(r#"{{"{key}":[{objects}],"links":{{}},"meta":{{"total":1}}}}"#);
    Server::answering(vec![ok(body)]).await
}

#[tokio::test]
async fn volumes_know_their_droplet() {
    let volume = format!(
        r#"{{"id":"8d1f0c52","name":"pg-data","description":"","size_gigabytes":100,"created_at":"2026-11-02T10:00:00Z",
        "droplet_ids":[7],"filesystem_type":"ext4","filesystem_label":"","tags":null,"region":{REGION}}}"#
    );
    let server = listing("volumes", &volume).await;
    let volumes = server.client().volumes().list().await.unwrap();
    assert_eq!((volumes[0].size_gigabytes, &volumes[0].droplet_ids), (100, &vec![DropletId(7)]));
    assert_eq!(server.lines(), ["GET /v2/volumes?page=1&per_page=200"]);
}

#[tokio::test]
async fn reserved_ips_are_free_or_name_their_droplet() {
    let held =
        format!(r#"{{"ip":"203.0.113.77","droplet":{},"locked":false,"region":{REGION}}}"#, droplet(7));
    let free =
        format!(r#"{{"ip":"203.0.113.78","droplet":null,"locked":true,"project_id":"p","region":{REGION}}}"#);
    let server = listing("reserved_ips", &format!("{held},{free}")).await;
    let ips = server.client().reserved_ips().list().await.unwrap();
    assert_eq!(ips[0].droplet.as_ref().unwrap().id, DropletId(7));
    assert_eq!((ips[1].droplet.as_ref(), ips[1].ip.to_string()), (None, "203.0.113.78".into()));
    assert_eq!(server.lines(), ["GET /v2/reserved_ips?page=1&per_page=200"]);
}

#[tokio::test]
async fn firewalls_show_their_rules_and_what_is_pending() {
    let firewall = r#"{"id":"0b6c","name":"edge-fw","status":"waiting","created_at":"2026-11-02T09:20:00Z",
        "pending_changes":[{"droplet_id":7,"removing":false,"status":"waiting"}],"droplet_ids":null,"tags":null,
        "inbound_rules":[{"protocol":"tcp","ports":"443","action":"allow","sources":{"addresses":["0.0.0.0/0"]}}],
        "outbound_rules":null}"#;
    let server = listing("firewalls", firewall).await;
    let firewalls = server.client().firewalls().list().await.unwrap();
    assert_eq!((&firewalls[0].status, firewalls[0].pending_changes.len()), (&FirewallStatus::Waiting, 1));
    assert_eq!(firewalls[0].inbound_rules[0].sources.addresses, ["0.0.0.0/0"]);
    assert_eq!(server.lines(), ["GET /v2/firewalls?page=1&per_page=200"]);
}

#[tokio::test]
async fn load_balancers_may_lack_a_region_and_an_address() {
    let balancer = r#"{"id":"4de7","name":"lb","ip":"","size_unit":2,"status":"new","created_at":"2026-11-02T09:20:00Z",
        "region":null,"droplet_ids":[7],"tag":"","type":"GLOBAL","forwarding_rules":[]}"#;
    let server = listing("load_balancers", balancer).await;
    let balancers = server.client().load_balancers().list().await.unwrap();
    assert_eq!((&balancers[0].status, balancers[0].size_unit), (&LoadBalancerStatus::New, Some(2)));
    assert_eq!(server.lines(), ["GET /v2/load_balancers?page=1&per_page=200"]);
}

#[tokio::test]
async fn nothing_of_a_database_s_credentials_is_kept() {
    let database = r#"{"id":"9cc1","name":"db","engine":"pg","version":"17","num_nodes":1,"size":"db-s-1vcpu-1gb",
        "region":"fra1","status":"online","created_at":"2026-11-02T09:20:00Z","tags":null,"db_names":null,
        "connection":{"uri":"postgres://doadmin:hunter2@h/db","user":"doadmin","password":"hunter2"},
        "users":[{"name":"doadmin","role":"primary","password":"hunter2"}],"rules":[]}"#;
    // Documented without links and meta.
    let server = Server::answering(vec![ok(format!(r#"{{"databases":[{database}]}}"#))]).await;
    let databases = server.client().databases().list().await.unwrap();
    assert_eq!((databases[0].engine.as_str(), databases.total), ("pg", None));
    let kept = format!("{databases:?} {}", serde_json::to_string(&databases.items).unwrap());
    assert!(!kept.contains("hunter2") && !kept.contains("doadmin"), "{kept}");
    assert_eq!(server.lines(), ["GET /v2/databases?page=1&per_page=200"]);
}

#[tokio::test]
async fn clusters_name_the_droplets_that_are_their_nodes() {
    let cluster = r#"{"id":"bd5f","name":"prod","region":"fra1","version":"1.34.1-do.0","tags":["k8s","k8s:bd5f"],
        "node_pools":[{"id":"p","name":"pool","size":"s-2vcpu-4gb","count":1,
            "nodes":[{"id":"n","name":"pool-1","status":{"state":"running"},"droplet_id":"700100009"}]}],
        "status":{"state":"running","message":""},"created_at":"2026-11-02T09:20:00Z","ha":true}"#;
    let server = listing("kubernetes_clusters", cluster).await;
    let clusters = server.client().kubernetes().list().await.unwrap();
    assert_eq!(clusters[0].status.as_ref().unwrap().state, Some(KubernetesState::Running));
    assert_eq!(clusters[0].node_pools[0].nodes[0].droplet_id.as_deref(), Some("700100009"));
    assert_eq!(server.lines(), ["GET /v2/kubernetes/clusters?page=1&per_page=200"]);
}

#[tokio::test]
async fn projects_are_created_and_resources_moved_into_them() {
    let project = r#"{"id":"4e1b","name":"acme","owner_uuid":"o","owner_id":1,"description":"","purpose":"Other: hosting",
        "environment":"","created_at":"2026-11-02T09:20:00Z","updated_at":"2026-11-02T09:20:00Z","is_default":false}"#;
    let moved = r#"{"urn":"do:droplet:7","assigned_at":"2026-11-02T09:00:03Z","links":{"self":"x"},"status":"assigned"}"#;
    let server = Server::answering(vec![
        status(201, format!(r#"{{"project":{project}}}"#)),
        ok(format!(r#"{{"resources":[{moved}]}}"#)),
        ok(format!(r#"{{"resources":[{moved}],"links":{{}},"meta":{{"total":1}}}}"#)),
        ok(format!(r#"{{"projects":[{project}],"links":{{}},"meta":{{"total":1}}}}"#)),
    ])
    .await;
    let projects = server.client().projects();
    let wanted = CreateProject { name: "acme".into(), purpose: "hosting".into(), ..CreateProject::default() };

    let created = projects.create(&wanted).await.unwrap();
    assert_eq!(created.environment, Some(ProjectEnvironment::Other(String::new())));
    let assigned = projects.assign(&created.id, &[Urn::from("do:droplet:7")]).await.unwrap();
    assert_eq!(assigned[0].status, Some(AssignmentStatus::Assigned));
    assert_eq!(projects.resources(&created.id).await.unwrap()[0].urn.as_str(), "do:droplet:7");
    assert_eq!(projects.list().await.unwrap()[0].purpose, "Other: hosting");

    assert_eq!(
        server.lines(),
        [
            "POST /v2/projects",
            "POST /v2/projects/4e1b/resources",
            "GET /v2/projects/4e1b/resources?page=1&per_page=200",
            "GET /v2/projects?page=1&per_page=200",
        ]
    );
    assert_eq!(server.asked()[0].json(), json!({"name":"acme","purpose":"hosting"}));
    assert_eq!(server.asked()[1].json(), json!({"resources":["do:droplet:7"]}));
}

#[tokio::test]
async fn money_is_exact_and_no_line_of_an_invoice_is_lost() {
    let line = r#"{"product":"Droplets","resource_uuid":"","resource_id":"7","group_description":"",
        "description":"edge-1 (s-1vcpu-1gb)","amount":"0.10","duration":"744","duration_unit":"Hours",
        "start_time":"2026-10-01T00:00:00Z","end_time":"2026-11-01T00:00:00Z","project_name":"core"}"#;
    let preview = r#"{"invoice_uuid":"b5c5","invoice_id":"52","amount":"-57.19","invoice_period":"2026-11","updated_at":"2026-11-02T06:31:50Z"}"#;
    let balance = r#"{"month_to_date_balance":"57.19","account_balance":"-0.01","month_to_date_usage":"57.20",
        "generated_at":"2026-11-02T08:00:12Z"}"#;
    let server = Server::answering(vec![
        ok(format!(r#"{{"invoice_items":[{line},{line},{line}],"links":{{}},"meta":{{"total":3}}}}"#)),
        ok(format!(r#"{{"invoices":[],"invoice_preview":{preview},"links":{{}},"meta":{{"total":0}}}}"#)),
        ok(balance),
        ok("product,USD\nDroplets,$6.00\n"),
    ])
    .await;
    let billing = server.client().billing();

    let items = billing.items(&InvoiceId::preview()).await.unwrap();
    assert_eq!(items.len(), 3, "equal lines are different lines");
    assert_eq!(items.iter().map(|item| item.amount).sum::<rust_decimal::Decimal>().to_string(), "0.30");
    assert_eq!(billing.preview().await.unwrap().amount.to_string(), "-57.19");
    assert_eq!(billing.balance().await.unwrap().account_balance.to_string(), "-0.01");
    assert_eq!(billing.csv(&InvoiceId::from("6c0a")).await.unwrap(), "product,USD\nDroplets,$6.00\n");

    assert_eq!(
        server.lines(),
        [
            "GET /v2/customers/my/invoices/preview?page=1&per_page=200",
            "GET /v2/customers/my/invoices?per_page=1",
            "GET /v2/customers/my/balance",
            "GET /v2/customers/my/invoices/6c0a/csv",
        ]
    );
}

#[tokio::test]
async fn an_invoice_s_summary_keeps_sums_and_no_addresses() {
    let summary = r#"{"invoice_uuid":"6c0a","invoice_id":"52","billing_period":"2026-10","amount":"46.30","user_name":"Ada",
        "user_billing_address":{"address_line1":"1 Secret Street"},"user_email":"ada@example.com",
        "product_charges":{"name":"Product usage charges","amount":"43.58","items":[{"amount":"43.58","name":"Droplets","count":"3"}]},
        "overages":{"name":"Overages","amount":"0.00"},"taxes":{"name":"Taxes","amount":"2.72"},
        "credits_and_adjustments":{"name":"Credits","amount":"0.00"}}"#;
    let history = r#"{"billing_history":[{"description":"Payment","amount":"-46.30","date":"2026-11-01T07:02:40Z","type":"Payment"}]}"#;
    let server = Server::answering(vec![ok(summary), ok(history), ok(r#"{"amount":"1"}"#)]).await;
    let billing = server.client().billing();

    let summary = billing.summary(&InvoiceId::from("6c0a")).await.unwrap();
    assert_eq!(summary.taxes.as_ref().unwrap().amount.to_string(), "2.72");
    assert!(!format!("{summary:?}").contains("Secret"));
    assert_eq!(billing.history().await.unwrap()[0].amount.to_string(), "-46.30");
    let error = billing.summary(&InvoiceId::from("6c0a")).await.unwrap_err();
    assert_eq!((error.status(), error.path()), (Some(200), "/v2/customers/my/invoices/6c0a/summary"));
}
