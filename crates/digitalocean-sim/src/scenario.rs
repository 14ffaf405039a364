//! Accounts that can be loaded by name.

mod april_2026;

use jiff::Timestamp;
use serde_json::json;

use crate::model::creation::CreateDroplet;
use crate::model::images::ImageType;
use crate::model::log::Origin;
use crate::model::refusal::Refusal;
use crate::model::{Account, Twist};
use crate::options::{Options, Timings};
use crate::simulator::Impossible;

/// The names that `load` knows.
pub const SCENARIOS: [&str; 3] = ["empty", "small", "april-2026"];

pub(crate) fn load(name: &str, options: &Options, now: Timestamp) -> Result<Account, Impossible> {
    let mut account = Account::new(options, now);
    match name {
        "empty" => Ok(account),
        "small" => {
            // Built without delays: what a scenario holds is there and listed from the start.
            let timings = std::mem::replace(&mut account.timings, Timings::instant());
            small(&mut account, now).map_err(|refusal| Impossible(refusal.to_string()))?;
            account.timings = timings;
            Ok(account)
        }
        "april-2026" => april_2026::load(options, now).map_err(|refusal| Impossible(refusal.to_string())),
        _ => Err(Impossible(format!("unknown scenario `{name}`; known: {}", SCENARIOS.join(", ")))),
    }
}

/// Three droplets, two zones and two snapshots, one of them of a droplet that is gone.
fn small(account: &mut Account, now: Timestamp) -> Result<(), Refusal> {
    let (by, twist) = (Origin::Scenario, Twist::default());
    let droplets = [
        ("web-1", "nyc3", "s-1vcpu-1gb", "ubuntu-24-04-x64", "env:production"),
        ("web-2", "nyc3", "s-1vcpu-1gb", "ubuntu-24-04-x64", "env:production"),
        ("database-1", "nyc3", "s-2vcpu-4gb", "debian-12-x64", "env:production"),
        ("old-build", "fra1", "s-1vcpu-2gb", "ubuntu-22-04-x64", "env:build"),
    ];
    let mut ids = Vec::new();
    for (name, region, size, image, tag) in droplets {
        let request: CreateDroplet = serde_json::from_value(json!({
            "name": name, "region": region, "size": size, "image": image, "tags": [tag],
        }))
        .map_err(|error| Refusal::Invalid(error.to_string()))?;
        ids.extend(account.create_droplets(&request, twist, by)?.into_iter().map(|(id, _)| id));
    }
    account.settle(now);
    for (id, name) in ids.iter().skip(2).zip(["database-1-before-upgrade", "old-build-final"]) {
        account.keep_image(*id, ImageType::Snapshot, name.to_owned(), 0, by);
    }
    account.settle(now);
    if let Some(old_build) = ids.last() {
        account.destroy_droplet(*old_build, twist, by)?;
    }
    for (zone, address) in [("arcadia-demo.com", Some("203.0.113.2")), ("arcadia-tenants.net", None)] {
        account.create_domain(zone, address, twist, by)?;
    }
    account.settle(now);
    Ok(())
}
