//! The account itself, and what can be bought: regions and sizes.

use serde_json::json;

use super::call::{Answer, Call};
use super::paging;
use crate::model::Account;
use crate::model::refusal::Refusal;
use crate::options::Profile;

pub(crate) fn show(account: &mut Account, _: &Call) -> Result<Answer, Refusal> {
    let mut shown = json!({
        "droplet_limit": account.droplet_limit,
        "floating_ip_limit": 10,
        "email": "operator@arcadia-demo.com",
        "name": "Arcadia Operator",
        "uuid": "5ca1ab1e00000000000000000000000000000001",
        "email_verified": true,
        "status": "active",
        "status_message": "",
        "team": { "uuid": "5ca1ab1e00000000000000000000000000000002", "name": "Arcadia" },
    });
    if account.profile == Profile::Live {
        shown["reserved_ip_limit"] = json!(10);
        shown["volume_limit"] = json!(100);
    }
    Answer::json(200, &json!({ "account": shown }))
}

pub(crate) fn regions(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (regions, total) = call.window()?.cut(account.catalogue.regions.iter());
    paging::page(account, call, "regions", regions, total)
}

pub(crate) fn sizes(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let catalogue = &account.catalogue;
    let sizes = catalogue.size_order.iter().filter_map(|slug| catalogue.size(slug));
    let (sizes, total) = call.window()?.cut(sizes);
    paging::page(account, call, "sizes", sizes, total)
}
