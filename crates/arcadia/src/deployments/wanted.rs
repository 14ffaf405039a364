//! What a caller asks for when he creates a deployment: read from the body, checked against the rules and against
//! the provider's offer. Nothing is written before all of it is right.

use super::DropletPlan;
use crate::catalogue::Offer;
use crate::error::{Error, FieldError};
use crate::fields::{Faults, Fields};
use crate::scope::Scope;
use digitalocean::{Image, Size, UserData};
use serde_json::{Map, Value};

const NAME_BYTES_MAX: usize = 255;
const LABEL_BYTES_MAX: usize = 63;
const HOSTNAME_BYTES_MAX: usize = 253;
const TAGS_MAX: usize = 50;
const USER_DATA_BYTES_MAX: usize = 64 * 1024;
/// Ours alone: by them we know what we made.
const TAG_PREFIXES_RESERVED: [&str; 2] = ["arcadia-", "managed-by-"];

/// A body that can be accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub tenant_id: String,
    pub slug: String,
    pub display_name: String,
    /// Lower case, without a trailing dot.
    pub hostname: String,
    pub region: String,
    pub plan: DropletPlan,
    pub zone: String,
    pub size: Size,
    pub provision: bool,
    pub dry_run: bool,
    /// Only from a platform admin: overwrite a record that no deployment owns.
    pub replace_dns: bool,
}

/// A body as far as it could be read.
#[derive(Debug, Default)]
pub struct Draft {
    errors: Vec<FieldError>,
    tenant_id: Option<String>,
    slug: Option<String>,
    display_name: Option<String>,
    hostname: Option<String>,
    region: Option<String>,
    size: Option<String>,
    image: Option<String>,
    tags: Vec<String>,
    user_data: Option<UserData>,
    backups: bool,
    provision: bool,
    dry_run: bool,
    replace_dns: bool,
}

impl Draft {
    /// Reads a body and applies every rule that needs nothing but the body and its sender.
    #[must_use]
    pub fn read(body: Map<String, Value>, scope: &Scope) -> Draft {
        let mut draft = Draft::default();
        let faults = Faults::default();
        let mut fields = Fields::of(body, &faults);
        draft.read_names(&mut fields, scope, &faults);
        let plan = fields.object("plan");
        if let Some(plan) = fields.require("plan", plan) {
            draft.read_plan(plan, &faults);
        }
        draft.provision = fields.flag("provision");
        draft.dry_run = fields.flag("dry_run");
        draft.replace_dns = fields.flag("replace_dns");
        if draft.replace_dns && !scope.is_all() {
            faults.add("replace_dns", "only a platform admin may ask for it");
        }
        fields.finish();
        Draft { errors: faults.into_errors(), ..draft }
    }

    fn read_names(&mut self, fields: &mut Fields<'_>, scope: &Scope, faults: &Faults) {
        let tenant_id = fields.text("tenant_id");
        self.tenant_id = match scope {
            Scope::All => checked(faults, "tenant_id", fields.require("tenant_id", tenant_id), name_fault),
            Scope::Tenant(own) => {
                if tenant_id.is_some_and(|named| named != *own) {
                    faults.add("tenant_id", "only a platform admin may name another tenant");
                }
                Some(own.clone())
            }
        };
        let slug = fields.text("slug");
        self.slug = checked(faults, "slug", fields.require("slug", slug), slug_fault);
        let display_name = fields.text("display_name").or_else(|| self.slug.clone());
        self.display_name = checked(faults, "display_name", display_name, name_fault);
        let hostname = fields.text("hostname");
        let hostname = fields.require("hostname", hostname).map(|name| {
            let name = name.to_ascii_lowercase();
            name.strip_suffix('.').map_or(name.clone(), str::to_owned)
        });
        self.hostname = checked(faults, "hostname", hostname, hostname_fault);
        let region = fields.text("region");
        self.region = checked(faults, "region", fields.require("region", region), name_fault);
    }

    fn read_plan(&mut self, mut plan: Fields<'_>, faults: &Faults) {
        let size = plan.text("size");
        self.size = checked(faults, "plan.size", plan.require("size", size), name_fault);
        let image = plan.text_or_number("image");
        self.image = checked(faults, "plan.image", plan.require("image", image), name_fault);
        self.tags = plan.texts("tags");
        if self.tags.len() > TAGS_MAX {
            faults.add("plan.tags", format!("holds more than {TAGS_MAX} tags"));
        }
        for (idx, tag) in self.tags.iter().enumerate().take(TAGS_MAX) {
            if let Some(fault) = tag_fault(tag) {
                faults.add(format!("plan.tags[{idx}]"), fault);
            }
        }
        let user_data = plan.text("user_data");
        let user_data = checked(faults, "plan.user_data", user_data, |text| {
            (text.len() > USER_DATA_BYTES_MAX).then(|| format!("is longer than {USER_DATA_BYTES_MAX} bytes"))
        });
        self.user_data = user_data.map(UserData);
        self.backups = plan.flag("backups");
        plan.finish();
    }

    /// Whether an offer has all that is named here; if not, a newer one may.
    #[must_use]
    pub fn is_known_to(&self, offer: &Offer) -> bool {
        let knows = |name: &Option<String>, has: &dyn Fn(&str) -> bool| name.as_deref().is_none_or(has);
        knows(&self.region, &|slug| offer.region(slug).is_some())
            && knows(&self.size, &|slug| offer.size(slug).is_some())
            && knows(&self.image, &|name| offer.image(name).is_some())
            && knows(&self.hostname, &|name| offer.zone_of(name).is_some())
    }

    /// What is wrong by the body alone, where the provider cannot be asked for the rest.
    #[must_use]
    pub fn into_faults(self) -> Option<Error> {
        let errors = self.errors;
        (!errors.is_empty()).then_some(Error::Invalid(errors))
    }

    /// Checks the rest against the provider's offer.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong.
    pub fn accept(self, offer: &Offer, scope: &Scope, tenant_zones: &[String]) -> Result<Wanted, Error> {
        let faults = Faults::from(self.errors);
        let Draft { tenant_id, slug, display_name, hostname, region, size, image, tags, .. } = self;
        let open_region = region.as_deref().filter(|slug| region_is_open(&faults, offer, slug));
        let size = size.and_then(|slug| open_size(&faults, offer, &slug, open_region));
        if let Some(name) = &image {
            check_image(&faults, offer, name, open_region, size);
        }
        let zone = hostname.as_deref().and_then(|name| open_zone(&faults, offer, name, scope, tenant_zones));
        let errors = faults.into_errors();
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        // What is absent was noted as such above; the second error can only be a gap in these rules.
        let complete = || {
            let size = size?.clone();
            let (user_data, backups) = (self.user_data, self.backups);
            let plan = DropletPlan { size: size.slug.clone(), image: image?, tags, user_data, backups };
            Some(Wanted {
                tenant_id: tenant_id?,
                slug: slug?,
                display_name: display_name?,
                hostname: hostname.clone()?,
                region: region.clone()?,
                plan,
                zone: zone?.to_owned(),
                size,
                provision: self.provision,
                dry_run: self.dry_run,
                replace_dns: self.replace_dns,
            })
        };
        complete().ok_or_else(|| Error::Internal("a body was found complete that is not".into()))
    }
}

/// The value, where `fault` finds nothing wrong with it.
fn checked(
    faults: &Faults,
    field: &str,
    value: Option<String>,
    fault: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let value = value?;
    match fault(&value) {
        None => Some(value),
        Some(message) => {
            faults.add(field, message);
            None
        }
    }
}

fn name_fault(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("may not be empty".to_owned());
    }
    if name.len() > NAME_BYTES_MAX {
        return Some(format!("is longer than {NAME_BYTES_MAX} bytes"));
    }
    name.contains(char::is_control).then(|| "may not hold control characters".to_owned())
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn slug_fault(slug: &str) -> Option<String> {
    const RULE: &str = "must be 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end";
    (!is_label(slug)).then(|| RULE.to_owned())
}

fn hostname_fault(hostname: &str) -> Option<String> {
    let is_name =
        hostname.len() <= HOSTNAME_BYTES_MAX && hostname.contains('.') && hostname.split('.').all(is_label);
    (!is_name).then(|| "must be a full DNS name, such as `acme.example.com`".to_owned())
}

fn tag_fault(tag: &str) -> Option<String> {
    let is_tag = (1..=NAME_BYTES_MAX).contains(&tag.len())
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte));
    if !is_tag {
        return Some("must be 1 to 255 letters, digits, `_`, `:` and `-`".to_owned());
    }
    let tag = tag.to_ascii_lowercase();
    let reserved = TAG_PREFIXES_RESERVED.iter().find(|prefix| tag.starts_with(**prefix))?;
    Some(format!("`{reserved}` begins the marks of this service"))
}

fn region_is_open(faults: &Faults, offer: &Offer, slug: &str) -> bool {
    match offer.region(slug) {
        Some(region) if region.available => return true,
        Some(_) => faults.add("region", format!("`{slug}` takes no new droplets now")),
        None => faults.add("region", format!("the provider has no region `{slug}`")),
    }
    false
}

fn open_size<'o>(faults: &Faults, offer: &'o Offer, slug: &str, region: Option<&str>) -> Option<&'o Size> {
    let Some(size) = offer.size(slug) else {
        faults.add("plan.size", format!("the provider has no size `{slug}`"));
        return None;
    };
    if !size.available {
        faults.add("plan.size", format!("`{slug}` is not to be had now"));
    } else if let Some(region) = region
        && !size.regions.iter().any(|offered| offered == region)
    {
        faults.add("plan.size", format!("`{slug}` is not to be had in `{region}`"));
    }
    Some(size)
}

fn check_image(faults: &Faults, offer: &Offer, name: &str, region: Option<&str>, size: Option<&Size>) {
    let Some(Image { regions, min_disk_size, .. }) = offer.image(name) else {
        faults.add("plan.image", format!("the account has no image `{name}`"));
        return;
    };
    if let Some(region) = region
        && !regions.iter().any(|offered| offered == region)
    {
        faults.add("plan.image", format!("`{name}` is not to be had in `{region}`"));
    }
    if let (Some(size), Some(needed)) = (size, min_disk_size)
        && size.disk < *needed
    {
        faults.add(
            "plan.image",
            format!("`{name}` needs a disk of {needed} GiB; `{}` has {}", size.slug, size.disk),
        );
    }
}

fn open_zone<'o>(
    faults: &Faults,
    offer: &'o Offer,
    hostname: &str,
    scope: &Scope,
    tenant_zones: &[String],
) -> Option<&'o str> {
    let Some(zone) = offer.zone_of(hostname) else {
        // Which zones the account has is no tenant's business.
        let whose = if scope.is_all() { "of the account" } else { "open to tenants" };
        faults.add("hostname", format!("lies in no DNS zone {whose}"));
        return None;
    };
    if scope.is_all() {
        return Some(zone);
    }
    if !tenant_zones.iter().any(|open| open == zone) {
        faults.add("hostname", "lies in no DNS zone open to tenants");
    } else if hostname == zone {
        faults.add("hostname", "is the zone itself; name something in it");
    }
    Some(zone)
}

#[cfg(test)]
mod tests {
    use super::{hostname_fault, slug_fault, tag_fault};

    #[test]
    fn slugs_are_dns_labels() {
        for good in ["a", "acme-main", "0", "a".repeat(63).as_str()] {
            assert_eq!(slug_fault(good), None, "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ä", "a".repeat(64).as_str()] {
            assert!(slug_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn hostnames_have_at_least_two_labels() {
        for good in ["acme.example.com", "a.b", "x--y.example"] {
            assert_eq!(hostname_fault(good), None, "{good}");
        }
        let long = format!("{}.com", "a.".repeat(126));
        for bad in
            ["", "acme", ".example.com", "a..b", "-a.example", "*.example.com", "a b.example", "a_b.c", &long]
        {
            assert!(hostname_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn nobody_else_makes_our_marks() {
        assert_eq!(tag_fault("web:blue_1"), None);
        for bad in ["", "a b", "arcadia-saga-1", "Arcadia-step-2", "managed-by-arcadia-cloud", "é"] {
            assert!(tag_fault(bad).is_some(), "{bad}");
        }
    }
}
