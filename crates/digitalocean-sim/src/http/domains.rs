//! Zones and their records.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::domains::Domain;
use crate::model::log::Origin;
use crate::model::records::Draft;
use crate::model::refusal::Refusal;
use crate::options::Profile;

#[derive(Deserialize)]
struct DomainBody {
    #[serde(default)]
    name: String,
    ip_address: Option<String>,
}

/// The specification shows no zone file as null, the live service as an empty text.
fn view(profile: Profile, domain: &Domain) -> Value {
    let zone_file = if profile == Profile::Live { json!("") } else { Value::Null };
    json!({ "name": domain.name, "ttl": domain.ttl, "zone_file": zone_file })
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (domains, total) = account.list_domains(call.window()?);
    let shown: Vec<Value> = domains.iter().map(|domain| view(account.profile, domain)).collect();
    paging::page(account, call, "domains", shown, total)
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: DomainBody = call.body()?;
    let address = body.ip_address.as_deref().filter(|address| !address.is_empty());
    let name = account.create_domain(&body.name, address, call.twist, Origin::Api)?;
    Answer::json(201, &json!({ "domain": view(account.profile, account.domain(&name)?) }))
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let domain = account.domain(call.param("name"))?;
    Answer::json(200, &json!({ "domain": view(account.profile, domain) }))
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_domain(call.param("name"), Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn list_records(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (record_type, name) = (call.query("type"), call.query("name"));
    let (records, total) = account.list_records(call.param("name"), record_type, name, call.window()?)?;
    paging::page(account, call, "domain_records", records, total)
}

pub(crate) fn create_record(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let draft: Draft = call.body()?;
    let record = account.create_record(call.param("name"), &draft, call.twist, Origin::Api)?;
    Answer::json(201, &json!({ "domain_record": record }))
}

pub(crate) fn show_record(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let record = account.record(call.param("name"), call.id("id")?)?;
    Answer::json(200, &json!({ "domain_record": record }))
}

pub(crate) fn update_record(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let draft: Draft = call.body()?;
    let record = account.update_record(call.param("name"), call.id("id")?, &draft, Origin::Api)?;
    Answer::json(200, &json!({ "domain_record": record }))
}

pub(crate) fn delete_record(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_record(call.param("name"), call.id("id")?, Origin::Api)?;
    Answer::no_content()
}
