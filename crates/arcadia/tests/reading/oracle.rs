//! What must be answered, from the rows themselves.

use crate::question::Question;
use crate::world::World;
use arcadia::inventory::store::ResourceRow;
use arcadia_sql::{args, row, statements};
use jiff::Timestamp;
use uuid::Uuid;

statements! {
    OWNERS = "SELECT resource_id, from_at, tenant_id FROM cloud_resource_owners ORDER BY resource_id, number";
    EVENTS = "SELECT id, resource_id, at, kind, data FROM cloud_resource_events ORDER BY at DESC, id DESC";
}

row! {
    #[derive(Debug, Clone)]
    pub struct Said {
        pub resource_id: Uuid,
        pub from_at: Timestamp,
        pub tenant_id: Option<String>,
    }

    #[derive(Debug, Clone)]
    pub struct Event {
        pub id: Uuid,
        pub resource_id: Uuid,
        pub at: Timestamp,
        pub kind: String,
        pub data: serde_json::Value,
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Admin,
    Tenant(&'static str),
}

impl Who {
    pub fn may_see(self, tenant: Option<&str>) -> bool {
        match self {
            Who::Admin => true,
            Who::Tenant(own) => tenant == Some(own),
        }
    }
}

/// The rows that a list must have, in its order.
pub async fn expected(world: &World, who: Who, question: &Question) -> Vec<ResourceRow> {
    let mut rows = world.rows().await;
    rows.retain(|row| who.may_see(row.tenant_id.as_deref()) && question.wants(row));
    question.sort(&mut rows);
    rows
}

/// The events of each resource that happened while it was the tenant's, newest first.
pub async fn events(world: &World, who: Who, resource: Uuid) -> Vec<Uuid> {
    let db = &world.service.cloud.db;
    let said: Vec<Said> = db.fetch_all(&OWNERS, args![]).await.unwrap();
    let all: Vec<Event> = db.fetch_all(&EVENTS, args![]).await.unwrap();
    let owner_at = |at: Timestamp| {
        let mut of_it = said.iter().filter(|said| said.resource_id == resource && said.from_at <= at);
        of_it.next_back().and_then(|said| said.tenant_id.as_deref())
    };
    let was_his = |event: &&Event| who.may_see(owner_at(event.at)) && tells_of(who, event);
    let of_it = all.iter().filter(|event| event.resource_id == resource);
    of_it.filter(was_his).map(|event| event.id).collect()
}

/// An event that gave it to another is not told, even if that was taken back.
fn tells_of(who: Who, event: &Event) -> bool {
    event.kind != "attributed" || who.may_see(event.data["tenant_id"].as_str())
}
