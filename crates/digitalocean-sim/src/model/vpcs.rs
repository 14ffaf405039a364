//! Private networks. Every region that has droplets has a default one; a droplet is a member once it is placed.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::droplets::Droplet;
use super::log::{ChangeKind, Kind, Origin};
use super::refusal::{Refusal, conflict, forbidden, invalid};
use super::{Account, Twist, Window, after_ms};
use crate::options::Profile;

#[derive(Debug, Clone)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) region: String,
    pub(crate) ip_range: String,
    pub(crate) default: bool,
    pub(crate) created_at: Timestamp,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct VpcDraft {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) ip_range: Option<String>,
    pub(crate) default: Option<bool>,
}

impl Account {
    pub(crate) fn vpc(&self, id: &str) -> Result<&Vpc, Refusal> {
        self.vpcs.get(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn list_vpcs(&self, window: Window) -> (Vec<&Vpc>, usize) {
        window.cut(self.vpcs.listed(self.now))
    }

    pub(crate) fn vpc_members(&self, id: &str) -> Result<Vec<&Droplet>, Refusal> {
        self.vpc(id)?;
        let members = self.living_droplets().filter(|it| it.vpc_uuid == id && it.networks.is_some());
        Ok(members.collect())
    }

    /// The network of a droplet that names none; made with the region's first droplet.
    pub(super) fn ensure_default_vpc(&mut self, region: &str) -> String {
        let found = self.vpcs.living().find(|vpc| vpc.default && vpc.region == region);
        if let Some(vpc) = found {
            return vpc.id.clone();
        }
        let id = self.uuid();
        let ip_range = self.free_range();
        let vpc = Vpc {
            id: id.clone(),
            name: format!("default-{region}"),
            description: String::new(),
            region: region.to_owned(),
            ip_range,
            default: true,
            created_at: self.now,
        };
        self.note(
            Origin::Provider,
            ChangeKind::Created,
            Kind::Vpc,
            &id,
            &vpc.name,
            json!({ "default": true }),
        );
        self.vpcs.add(&id, vpc, self.now);
        id
    }

    pub(crate) fn create_vpc(
        &mut self,
        draft: &VpcDraft,
        twist: Twist,
        by: Origin,
    ) -> Result<String, Refusal> {
        let Some(name) = draft.name.clone() else { return invalid("name is required") };
        self.check_vpc(draft, "")?;
        let region = draft.region.as_deref().and_then(|slug| self.catalogue.region(slug));
        let Some(region) = region.map(|region| region.slug.clone()) else {
            return invalid("region is invalid");
        };
        let ip_range = match &draft.ip_range {
            Some(range) if !is_private_range(range) => {
                return invalid("ip_range must be a private network of /16 to /28");
            }
            Some(range) if self.vpcs.living().any(|vpc| vpc.ip_range == *range) => {
                return invalid("This range/size overlaps with another VPC network in your account");
            }
            Some(range) => range.clone(),
            None => self.free_range(),
        };
        let id = self.uuid();
        let default = !self.vpcs.living().any(|vpc| vpc.default && vpc.region == region);
        let description = draft.description.clone().unwrap_or_default();
        let vpc = Vpc { id: id.clone(), name, description, region, ip_range, default, created_at: self.now };
        self.note(by, ChangeKind::Created, Kind::Vpc, &id, &vpc.name, json!({ "region": vpc.region }));
        self.vpcs.add(&id, vpc, after_ms(self.now, twist.hide_ms.unwrap_or(0)));
        Ok(id)
    }

    pub(crate) fn update_vpc(
        &mut self,
        id: &str,
        draft: &VpcDraft,
        whole: bool,
        by: Origin,
    ) -> Result<(), Refusal> {
        let region = self.vpc(id)?.region.clone();
        if whole && draft.name.is_none() {
            return invalid("name is required");
        }
        self.check_vpc(draft, id)?;
        if draft.default == Some(true) {
            self.vpcs.living_mut().filter(|vpc| vpc.region == region).for_each(|vpc| vpc.default = false);
        }
        let Some(vpc) = self.vpcs.get_mut(id) else { return Err(Refusal::NotFound) };
        if let Some(name) = &draft.name {
            vpc.name.clone_from(name);
        }
        if draft.description.is_some() || whole {
            vpc.description = draft.description.clone().unwrap_or_default();
        }
        vpc.default |= draft.default == Some(true);
        let name = vpc.name.clone();
        self.note(by, ChangeKind::Changed, Kind::Vpc, id, &name, json!({ "name": name }));
        Ok(())
    }

    fn check_vpc(&self, draft: &VpcDraft, own_id: &str) -> Result<(), Refusal> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let valid = |name: &String| !name.is_empty() && name.len() <= 255 && name.chars().all(allowed);
        if !draft.name.as_ref().is_none_or(valid) {
            return invalid("name may only contain letters, digits, dots and dashes");
        }
        if draft.description.as_ref().is_some_and(|text| text.len() > 255) {
            return invalid("description has at most 255 characters");
        }
        if self.vpcs.living().any(|vpc| vpc.id != own_id && Some(&vpc.name) == draft.name.as_ref()) {
            return conflict("A VPC with this name already exists");
        }
        Ok(())
    }

    /// With members: 403 in the specification, 409 in life.
    pub(crate) fn delete_vpc(&mut self, id: &str, twist: Twist, by: Origin) -> Result<(), Refusal> {
        let vpc = self.vpc(id)?;
        let name = vpc.name.clone();
        if vpc.default {
            return forbidden("Can not delete default VPCs");
        }
        if !self.vpc_members(id)?.is_empty() {
            let message = "Can not delete VPC with members";
            return if self.profile == Profile::Live { conflict(message) } else { forbidden(message) };
        }
        self.vpcs.remove(id, self.now, after_ms(self.now, twist.linger_ms));
        self.note(by, ChangeKind::Destroyed, Kind::Vpc, id, &name, json!({}));
        Ok(())
    }

    fn free_range(&self) -> String {
        let taken = |range: &String| self.vpcs.living().any(|vpc| vpc.ip_range == *range);
        let ranges = (100..=255).flat_map(|b| (0..16).map(move |c| format!("10.{b}.{}.0/20", c * 16)));
        let mut ranges = ranges.skip_while(taken);
        ranges.next().unwrap_or_else(|| "10.100.0.0/20".to_owned())
    }
}

fn is_private_range(range: &str) -> bool {
    let Some((address, length)) = range.split_once('/') else { return false };
    let address = address.parse::<std::net::Ipv4Addr>();
    let length = length.parse::<u8>();
    address.is_ok_and(|address| address.is_private())
        && length.is_ok_and(|length| (16..=28).contains(&length))
}
