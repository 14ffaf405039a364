//! Droplets. The whole image, size and region are embedded in every entry, so views borrow instead of copying.

use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::catalogue::{DiskInfo, GpuInfo, Region, Size, disk_info};
use crate::model::creation::CreateDroplet;
use crate::model::droplet_actions::{BACKUP_HOURS, BACKUP_WINDOW_HOURS, WEEKDAYS};
use crate::model::droplets::{Droplet, DropletFilter, Status};
use crate::model::images::Image;
use crate::model::log::Origin;
use crate::model::refusal::{Refusal, invalid};
use crate::model::{Account, whole_second};
use crate::options::Profile;

#[derive(Serialize)]
pub(crate) struct View<'a> {
    id: u64,
    name: &'a str,
    memory: u64,
    vcpus: u32,
    disk: u64,
    disk_info: [DiskInfo; 1],
    locked: bool,
    status: Status,
    /// Null for everything made since 2017.
    kernel: (),
    created_at: Timestamp,
    features: Vec<&'static str>,
    backup_ids: &'a [u64],
    next_backup_window: Option<BackupWindow>,
    snapshot_ids: &'a [u64],
    image: &'a Image,
    volume_ids: &'a [String],
    size: Option<&'a Size>,
    size_slug: &'a str,
    networks: Networks,
    region: Option<&'a Region>,
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_uuid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet_uuid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu_info: Option<GpuInfo>,
}

#[derive(Serialize)]
struct BackupWindow {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Serialize)]
struct Networks {
    v4: Vec<NetworkV4>,
    v6: Vec<NetworkV6>,
}

#[derive(Serialize)]
struct NetworkV4 {
    ip_address: String,
    netmask: &'static str,
    gateway: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct NetworkV6 {
    ip_address: String,
    netmask: u8,
    gateway: String,
    r#type: &'static str,
}

pub(crate) fn view<'a>(account: &'a Account, droplet: &'a Droplet) -> View<'a> {
    let size = account.catalogue.size(&droplet.size);
    let placed = droplet.networks.is_some();
    let vpc_uuid = Some(droplet.vpc_uuid.as_str()).filter(|_| placed);
    View {
        id: droplet.id,
        name: &droplet.name,
        memory: droplet.memory,
        vcpus: droplet.vcpus,
        disk: droplet.disk,
        disk_info: disk_info(droplet.disk),
        locked: droplet.locked,
        status: droplet.status,
        kernel: (),
        created_at: whole_second(droplet.created_at),
        features: features(droplet),
        backup_ids: &droplet.backup_ids,
        next_backup_window: backup_window(droplet),
        snapshot_ids: &droplet.snapshot_ids,
        image: &droplet.image,
        volume_ids: &droplet.volume_ids,
        size,
        size_slug: &droplet.size,
        networks: networks(droplet),
        region: account.catalogue.region(&droplet.region),
        tags: &droplet.tags,
        vpc_uuid,
        subnet_uuid: vpc_uuid.filter(|_| account.profile == Profile::Live),
        gpu_info: size.and_then(|size| size.gpu_info),
    }
}

fn features(droplet: &Droplet) -> Vec<&'static str> {
    let mut features = vec!["droplet_agent"];
    let mut add = |is_on: bool, feature| {
        if is_on {
            features.push(feature);
        }
    };
    add(droplet.backups.is_some(), "backups");
    add(droplet.ipv6, "ipv6");
    add(droplet.monitoring, "monitoring");
    add(droplet.networks.is_some(), "private_networking");
    features
}

fn backup_window(droplet: &Droplet) -> Option<BackupWindow> {
    let start = droplet.next_backup_at?;
    Some(BackupWindow { start, end: start.checked_add(BACKUP_WINDOW_HOURS.hours()).ok()? })
}

fn networks(droplet: &Droplet) -> Networks {
    let Some(networks) = droplet.networks else { return Networks { v4: Vec::new(), v6: Vec::new() } };
    let entry = |address: std::net::Ipv4Addr, netmask: &'static str, r#type: &'static str| {
        let [a, b, c, _] = address.octets();
        NetworkV4 { ip_address: address.to_string(), netmask, gateway: format!("{a}.{b}.{c}.1"), r#type }
    };
    let private = entry(networks.private, "255.0.0.0", "private");
    let public = networks.public.map(|address| entry(address, "255.255.255.0", "public"));
    // The order of the two is not guaranteed; the private one first trips up whoever takes the first.
    let v4 = std::iter::once(private).chain(public).collect();
    let (high, low) = (droplet.id >> 16 & 0xffff, droplet.id & 0xffff);
    let v6 = droplet.ipv6.then(|| NetworkV6 {
        ip_address: format!("2001:db8::{high:x}:{low:x}"),
        netmask: 64,
        gateway: "2001:db8::1".to_owned(),
        r#type: "public",
    });
    Networks { v4, v6: v6.into_iter().collect() }
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (tag, name, kind) = (call.query("tag_name"), call.query("name"), call.query("type"));
    let filter = match (tag, name, kind) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            return invalid("tag_name cannot be combined with name or type");
        }
        (Some(tag), None, None) => DropletFilter::Tag(tag.to_owned()),
        (None, _, Some("gpus")) => DropletFilter::Gpus,
        (None, Some(name), _) => DropletFilter::Name(name.to_owned()),
        (None, None, _) => DropletFilter::All,
    };
    let (droplets, total) = account.list_droplets(&filter, call.window()?);
    let views: Vec<View<'_>> = droplets.into_iter().map(|droplet| view(account, droplet)).collect();
    paging::page(account, call, "droplets", views, total)
}

#[derive(Serialize)]
struct Shown<'a> {
    droplet: View<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Value>,
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let droplet = view(account, account.visible_droplet(call.id("id")?)?);
    Answer::json(200, &Shown { droplet, links: None })
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let request: CreateDroplet = call.body()?;
    let created = account.create_droplets(&request, call.twist, Origin::Api)?;
    // Documented as an absolute address, sent as a relative one.
    let base = if account.profile == Profile::Live { "" } else { &call.base };
    let link = |id: u64| json!({ "id": id, "rel": "create", "href": format!("{base}/v2/actions/{id}") });
    let links: Vec<Value> = created.iter().map(|(_, action)| link(*action)).collect();
    let links = json!({ "actions": links });
    let droplets = created.iter().map(|(id, _)| account.droplet(*id)).collect::<Result<Vec<_>, _>>()?;
    let mut views: Vec<View<'_>> = droplets.into_iter().map(|droplet| view(account, droplet)).collect();
    match views.pop() {
        Some(droplet) if request.names.is_none() => Answer::json(202, &Shown { droplet, links: Some(links) }),
        last => {
            views.extend(last);
            Answer::json(202, &json!({ "droplets": views, "links": links }))
        }
    }
}

pub(crate) fn destroy(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.destroy_droplet(call.id("id")?, call.twist, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn destroy_tagged(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let Some(tag) = call.query("tag_name") else { return Err(Refusal::NotFound) };
    account.destroy_tagged(tag, call.twist, Origin::Api);
    Answer::no_content()
}

fn policy_record(droplet: &Droplet) -> Value {
    let Some(policy) = &droplet.backups else {
        return json!({ "droplet_id": droplet.id, "backup_enabled": false });
    };
    let mut shown = json!({ "plan": policy.plan, "hour": policy.hour, "window_length_hours": BACKUP_WINDOW_HOURS,
                            "retention_period_days": policy.retention_days() });
    if let Some(weekday) = &policy.weekday {
        shown["weekday"] = json!(weekday);
    }
    json!({ "droplet_id": droplet.id, "backup_enabled": true, "backup_policy": shown,
            "next_backup_window": backup_window(droplet) })
}

pub(crate) fn backup_policy(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    Answer::json(200, &json!({ "policy": policy_record(account.droplet(call.id("id")?)?) }))
}

/// The policies are a map by droplet id, not a list.
pub(crate) fn backup_policies(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (droplets, total) = call.window()?.cut(account.living_droplets());
    let policies: serde_json::Map<String, Value> =
        droplets.iter().map(|droplet| (droplet.id.to_string(), policy_record(droplet))).collect();
    paging::page(account, call, "policies", policies, total)
}

pub(crate) fn supported_backup_policies(_: &mut Account, _: &Call) -> Result<Answer, Refusal> {
    let plan = |name: &str, days: &[&str], retention_days: u32| {
        json!({ "name": name, "possible_window_starts": BACKUP_HOURS, "window_length_hours": BACKUP_WINDOW_HOURS,
                "retention_period_days": retention_days, "possible_days": days })
    };
    let plans = [plan("weekly", &WEEKDAYS, 28), plan("daily", &[], 7)];
    Answer::json(200, &json!({ "supported_policies": plans }))
}
