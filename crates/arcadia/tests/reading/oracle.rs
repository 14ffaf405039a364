//! What must be answered: lists from the rows themselves, histories by whose the resource was at each event's time.

use crate::question::Question;
use crate::whose::Whose;
use crate::world::World;
use arcadia::inventory::store::ResourceRow;
use arcadia_sql::{args, row, statements};
use jiff::Timestamp;
use uuid::Uuid;

statements! {
    EVENTS = "SELECT id, resource_id, at, kind, data FROM cloud_resource_events ORDER BY at DESC, id DESC";
}

row! {
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

/// The events of a resource that happened while it was the tenant's, newest first.
pub async fn events(world: &World, who: Who, row: &ResourceRow, whose: &Whose) -> Vec<Uuid> {
    let name = (row.kind.clone(), row.provider_id.clone());
    let all: Vec<Event> = world.service.cloud.db.fetch_all(&EVENTS, args![]).await.unwrap();
    let was_his = |event: &&Event| {
        who == Who::Admin || (who.may_see(whose.owner_at(&name, event.at).as_deref()) && tells_of(who, event))
    };
    let of_it = all.iter().filter(|event| event.resource_id == row.id.0);
    of_it.filter(was_his).map(|event| event.id).collect()
}

/// An event that gave it to another is not told, even if that was taken back.
fn tells_of(who: Who, event: &Event) -> bool {
    event.kind != "attributed" || who.may_see(event.data["tenant_id"].as_str())
}
