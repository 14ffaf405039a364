//! The account of a small company since 2014, lived through month by month, so that its 137 invoices are made from
//! what happened. The dates and sizes of the last months are chosen for the invoice of April 2026: 33 lines, 86.92
//! dollars, of which 7.90 are tax.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::model::billing::{Period, Tax};
use crate::model::creation::CreateDroplet;
use crate::model::images::ImageType;
use crate::model::log::{Kind, Origin};
use crate::model::refusal::Refusal;
use crate::model::{Account, Twist};
use crate::options::{Options, Timings};

const BEGINNING: &str = "2014-12-03T02:11:46Z";
/// Nothing of the story happens later.
const END_OF_STORY: &str = "2026-05-06T00:00:00Z";
/// The present, unless it is that month already.
const PRESENT: &str = "2026-05-12T08:00:00Z";

const BY: Origin = Origin::Scenario;
const NOTHING: &[&str] = &[];

/// What happens, one after the other.
#[derive(Clone, Copy)]
enum Event {
    /// Name, size, whether it has weekly backups.
    Create(&'static str, &'static str, bool),
    Destroy(&'static str),
    EnableBackups(&'static str),
    /// Of a droplet, its own name, gigabytes.
    Snapshot(&'static str, &'static str, f64),
    DeleteSnapshot(&'static str),
    Bucket(&'static str),
    Zone(&'static str),
    Project(&'static str, &'static str),
    Firewall,
}
use Event::{Bucket, Create, DeleteSnapshot, Destroy, EnableBackups, Firewall, Project, Snapshot, Zone};

const SMALLEST: &str = "s-1vcpu-512mb-10gb";
const SMALL: &str = "s-1vcpu-1gb";
const MEDIUM: &str = "s-1vcpu-2gb";

#[rustfmt::skip]
const STORY: &[(&str, Event)] = &[
    ("2014-12-03T02:20:00Z", Create("blog", SMALL, false)),
    ("2014-12-03T02:40:00Z", Zone("arcadia-demo.com")),
    ("2016-02-11T23:05:10Z", Create("wiki", SMALL, false)),
    ("2016-02-12T00:10:00Z", Zone("arcadia-wiki.net")),
    ("2017-05-20T05:00:31Z", Create("shop", MEDIUM, false)),
    ("2017-05-20T06:00:00Z", Zone("arcadia-shop.com")),
    ("2018-01-15T01:30:00Z", Create("web-1", MEDIUM, false)),
    ("2019-03-04T03:12:00Z", Create("mail-1", SMALL, false)),
    ("2019-03-04T03:30:00Z", Zone("arcadia-mail.com")),
    ("2019-06-09T10:00:00Z", Snapshot("blog", "blog-final", 4.0)),
    ("2019-06-10T00:00:00Z", Destroy("blog")),
    ("2020-03-01T04:00:00Z", Create("git-1", SMALL, false)),
    ("2020-03-01T11:00:00Z", Snapshot("wiki", "wiki-final", 6.5)),
    ("2020-03-02T00:00:00Z", Destroy("wiki")),
    ("2020-09-01T00:00:00Z", Bucket("arcadia-backups")),
    ("2020-09-14T00:00:00Z", Bucket("arcadia-assets")),
    ("2021-07-12T02:00:00Z", Create("api-1", "s-2vcpu-2gb", false)),
    ("2021-07-12T03:00:00Z", Zone("arcadia-api.com")),
    ("2021-11-30T02:00:00Z", Snapshot("shop", "shop-2021", 9.0)),
    ("2022-08-14T02:00:00Z", Snapshot("shop", "shop-final", 11.0)),
    ("2022-08-15T00:00:00Z", Destroy("shop")),
    ("2022-09-01T00:00:00Z", Bucket("arcadia-shop-archive")),
    ("2023-02-01T00:30:00Z", Create("monitor-1", SMALLEST, false)),
    ("2023-02-01T02:30:00Z", Firewall),
    ("2023-06-02T00:00:00Z", Project("Acme", "Web Application")),
    ("2023-06-02T00:05:00Z", Zone("acme-online.com")),
    ("2023-06-02T00:10:00Z", Bucket("acme-uploads")),
    ("2024-01-03T00:00:00Z", EnableBackups("mail-1")),
    ("2024-02-20T00:00:00Z", Project("Globex", "Tenant copy of the product")),
    ("2024-02-20T00:05:00Z", Zone("globex-cloud.com")),
    ("2024-02-20T00:10:00Z", Bucket("globex-uploads")),
    ("2024-05-11T10:00:00Z", Snapshot("web-1", "web-1-before-24.04", 12.5)),
    ("2025-02-08T10:00:00Z", Snapshot("api-1", "api-1-before-upgrade", 7.5)),
    ("2025-03-01T00:00:00Z", Project("Internal tools", "Operational / Developer tooling")),
    ("2025-03-01T00:10:00Z", Bucket("internal-artifacts")),
    ("2025-06-14T10:00:00Z", Snapshot("mail-1", "mail-1-2025", 3.5)),
    ("2025-06-14T11:00:00Z", Snapshot("git-1", "git-1-2025", 8.0)),
    ("2025-11-03T22:15:00Z", Create("staging-1", SMALL, true)),
    ("2026-01-10T10:00:00Z", Snapshot("web-1", "web-1-2026-01", 10.5)),
    ("2026-02-07T10:00:00Z", Snapshot("api-1", "api-1-2026-02", 5.5)),
    ("2026-02-21T10:00:00Z", Snapshot("monitor-1", "monitor-1-base", 9.5)),
    ("2026-02-28T10:00:00Z", Snapshot("git-1", "git-1-2026-02", 8.5)),
    ("2026-03-07T10:00:00Z", Snapshot("staging-1", "staging-1-a", 6.0)),
    ("2026-03-14T10:00:00Z", Snapshot("staging-1", "staging-1-b", 10.0)),
    ("2026-03-21T10:00:00Z", Snapshot("staging-1", "staging-1-c", 8.0)),
    ("2026-04-02T00:00:00Z", Create("build-41", "s-2vcpu-4gb", false)),
    ("2026-04-03T06:00:00Z", Destroy("build-41")),
    ("2026-04-04T00:00:00Z", Create("demo-7", SMALL, true)),
    ("2026-04-09T20:00:00Z", Create("build-42", "s-2vcpu-4gb", false)),
    ("2026-04-10T08:30:00Z", Destroy("build-42")),
    ("2026-04-13T00:00:00Z", Create("loadtest-1", "s-4vcpu-8gb", false)),
    ("2026-04-13T00:00:30Z", Create("loadtest-2", "s-4vcpu-8gb", false)),
    ("2026-04-14T02:00:00Z", Destroy("loadtest-1")),
    ("2026-04-14T02:00:30Z", Destroy("loadtest-2")),
    ("2026-04-18T00:00:00Z", Destroy("demo-7")),
    ("2026-04-20T00:00:00Z", Create("migrate-1", MEDIUM, false)),
    ("2026-04-22T03:00:00Z", Create("try-1", SMALLEST, false)),
    ("2026-04-22T03:05:00Z", Destroy("try-1")),
    ("2026-04-28T08:00:00Z", Destroy("migrate-1")),
    ("2026-05-04T01:00:00Z", Destroy("staging-1")),
    ("2026-05-04T01:10:00Z", DeleteSnapshot("staging-1-a")),
    ("2026-05-04T01:11:00Z", DeleteSnapshot("staging-1-b")),
    ("2026-05-04T01:12:00Z", DeleteSnapshot("staging-1-c")),
];

pub(super) fn load(options: &Options, now: Timestamp) -> Result<Account, Refusal> {
    let mut account = Account::new(options, moment(BEGINNING)?);
    let timings = std::mem::replace(&mut account.timings, Timings::instant());
    account.levy(Tax { name: "GST (10%)", rate: Decimal::new(10, 2) });
    for (when, event) in STORY {
        account.settle(moment(when)?);
        happen(&mut account, *event)?;
    }
    let is_that_month = Period::of(now) == Period::of(moment(PRESENT)?) && now >= moment(END_OF_STORY)?;
    account.settle(if is_that_month { now } else { moment(PRESENT)? });
    account.timings = timings;
    Ok(account)
}

fn moment(text: &str) -> Result<Timestamp, Refusal> {
    text.parse().map_err(|error: jiff::Error| Refusal::Invalid(error.to_string()))
}

fn happen(account: &mut Account, event: Event) -> Result<(), Refusal> {
    let twist = Twist::default();
    match event {
        Create(name, size, backups) => create(account, name, size, backups)?,
        Destroy(name) => account.destroy_droplet(named(account, name)?, twist, BY)?,
        EnableBackups(name) => account.enable_weekly_backups(named(account, name)?, BY),
        Snapshot(droplet, name, gigabytes) => {
            let id = named(account, droplet)?;
            account.keep_image_of(gigabytes, id, ImageType::Snapshot, name.to_owned(), 0, BY);
        }
        DeleteSnapshot(name) => {
            let found = account.listed_snapshots().find(|it| it.name == name).map(|it| it.id);
            account.delete_snapshot(found.ok_or(Refusal::NotFound)?, twist, BY)?;
        }
        Bucket(name) => {
            account.create_other(Kind::SpacesBucket, &json!({ "name": name }), BY)?;
            put_with_its_tenant(account, &format!("do:space:{name}"), name)?;
        }
        Zone(name) => zone(account, name)?,
        Project(name, purpose) => {
            account.create_other(Kind::Project, &json!({ "name": name, "purpose": purpose }), BY)?;
        }
        Firewall => firewall(account)?,
    }
    // What was created is active, and listed, before the next thing happens.
    let now = account.now();
    account.settle(now);
    Ok(())
}

fn create(account: &mut Account, name: &str, size: &str, backups: bool) -> Result<(), Refusal> {
    let mut body = json!({ "name": name, "region": "syd1", "size": size, "image": "ubuntu-24-04-x64",
        "tags": [format!("role:{}", name.split('-').next().unwrap_or(name))] });
    if backups {
        body["backup_policy"] = json!({ "plan": "weekly", "weekday": "SUN", "hour": 4 });
    }
    let request: CreateDroplet =
        serde_json::from_value(body).map_err(|error| Refusal::Invalid(error.to_string()))?;
    account.create_droplets(&request, Twist::default(), BY).map(|_| ())
}

fn named(account: &Account, name: &str) -> Result<u64, Refusal> {
    account.living_droplets().find(|it| it.name == name).map(|it| it.id).ok_or(Refusal::NotFound)
}

fn zone(account: &mut Account, name: &str) -> Result<(), Refusal> {
    account.create_domain(name, Some("203.0.113.80"), Twist::default(), BY)?;
    for (record_type, host, data) in
        [("CNAME", "www", "@"), ("TXT", "@", "v=spf1 include:_spf.example.com ~all")]
    {
        let draft = crate::model::records::Draft::of(record_type, host, data);
        account.create_record(name, &draft, Twist::default(), BY)?;
    }
    put_with_its_tenant(account, &format!("do:domain:{name}"), name)
}

/// What is named after a project lies in it; the rest stays in the default one.
fn put_with_its_tenant(account: &mut Account, urn: &str, name: &str) -> Result<(), Refusal> {
    let belongs = |project: &&crate::model::projects::Project| {
        let first = project.name.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        !project.is_default && name.starts_with(&first)
    };
    let home = account.living_projects().find(belongs).map(|project| project.id.clone());
    match home {
        Some(project) => account.assign(&project, &[urn.to_owned()], BY).map(|_| ()),
        None => Ok(()),
    }
}

fn firewall(account: &mut Account) -> Result<(), Refusal> {
    let web = [named(account, "web-1")?, named(account, "api-1")?];
    let anywhere = json!({ "addresses": ["0.0.0.0/0", "::/0"] });
    let rule = |protocol: &str, ports: &str, side: &str| -> Value {
        let mut rule = json!({ "protocol": protocol, "ports": ports });
        rule[side] = anywhere.clone();
        rule
    };
    let body = json!({ "name": "web", "droplet_ids": web, "tags": NOTHING,
        "inbound_rules": [rule("tcp", "80", "sources"), rule("tcp", "443", "sources")],
        "outbound_rules": [rule("tcp", "0", "destinations"), rule("udp", "0", "destinations")] });
    account.create_other(Kind::Firewall, &body, BY).map(|_| ())
}
