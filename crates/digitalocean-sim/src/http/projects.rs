//! Projects and their resources; `default` stands for the default project's id.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::paging;
use crate::model::log::Origin;
use crate::model::projects::{Member, ProjectDraft};
use crate::model::refusal::Refusal;
use crate::model::{Account, whole_second};

fn shown(account: &Account, status: u16, id: &str) -> Result<Answer, Refusal> {
    Answer::json(status, &json!({ "project": account.project(id)? }))
}

fn member(call: &Call, member: &Member) -> Value {
    json!({ "urn": member.urn.to_string(), "assigned_at": whole_second(member.assigned_at),
            "links": { "self": member.urn.link(&call.base) }, "status": member.status })
}

pub(crate) fn list(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let (projects, total) = account.list_projects(call.window()?);
    paging::page(account, call, "projects", projects, total)
}

pub(crate) fn create(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let draft: ProjectDraft = call.body()?;
    let id = account.create_project(&draft, call.twist, Origin::Api)?;
    shown(account, 201, &id)
}

pub(crate) fn show(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    shown(account, 200, call.param("project"))
}

fn write(account: &mut Account, call: &Call, whole: bool) -> Result<Answer, Refusal> {
    let draft: ProjectDraft = call.body()?;
    let id = account.update_project(call.param("project"), &draft, whole, Origin::Api)?;
    shown(account, 200, &id)
}

pub(crate) fn replace(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    write(account, call, true)
}

pub(crate) fn update(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    write(account, call, false)
}

pub(crate) fn delete(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    account.delete_project(call.param("project"), call.twist, Origin::Api)?;
    Answer::no_content()
}

pub(crate) fn resources(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let id = account.project(call.param("project"))?.id.clone();
    let may_read = |member: &Member| call.scopes.as_ref().is_none_or(|it| it.allow(member.urn.read_scope()));
    let members = account.members_of(&id).into_iter().filter(may_read);
    let (members, total) = call.window()?.cut(members);
    let members: Vec<Value> = members.iter().map(|it| member(call, it)).collect();
    paging::page(account, call, "resources", members, total)
}

#[derive(Deserialize)]
struct Assignment {
    #[serde(default)]
    resources: Vec<String>,
}

pub(crate) fn assign(account: &mut Account, call: &Call) -> Result<Answer, Refusal> {
    let body: Assignment = call.body()?;
    let members = account.assign(call.param("project"), &body.resources, Origin::Api)?;
    let members: Vec<Value> = members.iter().map(|it| member(call, it)).collect();
    let total = members.len();
    Answer::json(200, &json!({ "resources": members, "links": {}, "meta": { "total": total } }))
}
