//! A tenant's lists, counts, searches, histories and exports hold exactly its own, in random accounts.

use crate::api::{Answer, Api, Person};
use crate::oracle::{Who, events, expected};
use crate::question::Question;
use crate::random::{Account, TENANTS, each_seed};
use crate::whose::{LISTS, Name, Whose, living};
use crate::world::World;
use arcadia_sql::Engine;
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

const CHANGES: usize = 40;

pub fn person<'a>(api: &'a Api, who: Who) -> Person<'a> {
    match who {
        Who::Admin => api.admin(),
        Who::Tenant(tenant) => api.tenant(tenant),
    }
}

pub fn everyone() -> [Who; 5] {
    let [one, two, three] = TENANTS.map(Who::Tenant);
    [Who::Admin, one, two, three, Who::Tenant("nobody")]
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn a_random_account(world: &World, seed: u64) {
    let (api, mut account) = (Api::over(world).await, Account::new(world, seed));
    for _ in 0..CHANGES {
        account.change().await;
        if account.chance.u8(..3) == 0 {
            account.sync().await;
        }
        if account.chance.u8(..5) == 0 {
            account.give(&api).await;
        }
        if account.chance.u8(..4) == 0 {
            let (who, question) = (everyone()[account.chance.usize(..5)], account.question().await);
            lists_are_right(world, &api, who, &question).await;
        }
    }
    account.come_to_rest(&api).await;
    let rows = world.rows().await;
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(kinds, LISTS.iter().map(|list| list.kind).collect(), "seed {seed} has not all kinds");
    assert!(rows.iter().any(|row| row.tenant_id.is_some() && row.deleted_at.is_none()), "seed {seed}");
    assert!(rows.iter().any(|row| row.deleted_at.is_some()), "nothing is gone with seed {seed}");
    account.whose.gone(&rows);
    let living: BTreeSet<Name> = living(&world.simulator.account()).into_iter().map(|it| it.name).collect();
    for who in everyone() {
        is_what_the_account_says(world, &api, who, &account.whose, &living).await;
    }
    for who in everyone() {
        lists_are_right(world, &api, who, &Question::everything()).await;
        for _ in 0..6 {
            let question = account.question().await;
            lists_are_right(world, &api, who, &question).await;
        }
        resources_are_right(world, &api, who, &account.whose).await;
    }
}

async fn lists_are_right(world: &World, api: &Api, who: Who, question: &Question) {
    let wanted: Vec<String> =
        expected(world, who, question).await.iter().map(|row| row.id.to_string()).collect();
    let rows = question.ask(&person(api, who), None).await;
    assert_eq!(ids(&rows), wanted, "{who:?} {question:?}");
    assert!(rows.iter().all(|row| who.may_see(row["tenant_id"].as_str())), "{who:?} {rows:?}");

    let lines = text(api, who, &question.export("jsonl")).await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, rows, "{who:?} {question:?}");
    let csv = text(api, who, &question.export("csv")).await;
    let (head, csv) = csv.split_once("\r\n").unwrap();
    assert!(head.starts_with("id,kind,provider_id,name,"), "{head}");
    let of_csv: Vec<&str> =
        csv.split_terminator("\r\n").map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(of_csv, wanted, "{who:?} {question:?}");
}

/// Whose each thing is, is decided by the account, by the looks at it, and by what operators said, as `whose.rs` has them.
async fn is_what_the_account_says(
    world: &World,
    api: &Api,
    who: Who,
    whose: &Whose,
    living: &BTreeSet<Name>,
) {
    let now = world.now.get();
    let is_his = |name: &&Name| who.may_see(whose.owner_at(name, now).as_deref());
    for (deleted, wanted) in [
        ("without", living.iter().filter(is_his).cloned().collect::<BTreeSet<Name>>()),
        ("only", whose.known().filter(|name| !living.contains(*name)).filter(is_his).cloned().collect()),
    ] {
        let rows = Question { deleted, ..Question::everything() }.ask(&person(api, who), None).await;
        let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
        let told: BTreeSet<Name> =
            rows.iter().map(|row| (text(row, "kind"), text(row, "provider_id"))).collect();
        assert_eq!(told, wanted, "{who:?} {deleted}");
    }
}

async fn text(api: &Api, who: Who, path: &str) -> String {
    let response = person(api, who).request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

/// What is not the caller's cannot be told from what is not there.
async fn resources_are_right(world: &World, api: &Api, who: Who, whose: &Whose) {
    let caller = person(api, who);
    let nothing = caller.get(&format!("/api/v1/inventory/{}", Uuid::nil())).await.expect(404);
    for row in world.rows().await {
        let path = format!("/api/v1/inventory/{}", row.id);
        let (shown, history) =
            (caller.get(&path).await, caller.get(&format!("{path}/events?limit=200")).await);
        if !who.may_see(row.tenant_id.as_deref()) {
            for answer in [shown.expect(404), history.expect(404)] {
                assert_eq!(answer.body["detail"], nothing.body["detail"]);
            }
            continue;
        }
        let shown = shown.expect(200);
        assert_eq!(shown.body["tenant_id"], serde_json::json!(row.tenant_id));
        let is_own = |owner: &Value| who.may_see(owner["tenant_id"].as_str());
        assert!(shown.body["owners"].as_array().unwrap().iter().all(is_own), "{who:?} {}", shown.body);
        let wanted = events(world, who, &row, whose).await;
        history_is_right(who, (row.id.0, wanted), &caller, history.expect(200)).await;
    }
    let projects = caller.get("/api/v1/projects").await.expect(200);
    let own = world.projects().await.into_iter().filter(|project| who.may_see(project.tenant_id.as_deref()));
    let own: Vec<String> = own.map(|project| project.id.to_string()).collect();
    let mut told = ids(projects.body["data"].as_array().unwrap());
    told.sort_by_key(|id| own.iter().position(|own| own == id));
    assert_eq!(told, own, "{who:?}");
}

async fn history_is_right(who: Who, (id, wanted): (Uuid, Vec<Uuid>), caller: &Person<'_>, history: Answer) {
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    assert_eq!(ids(history.body["data"].as_array().unwrap()), wanted, "{who:?} {id}");
    if who != Who::Admin {
        let told = history.body.to_string();
        assert!(!told.contains("nobody else's business") && !told.contains("\"root\""), "{told}");
    }
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("/api/v1/inventory/{id}/events?limit=2{cursor}")).await.expect(200);
        paged.extend(ids(page.body["data"].as_array().unwrap()));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, wanted, "{who:?} {id}");
}

mod a_tenant_sees_exactly_its_own {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        each_seed(Engine::Sqlite, a_random_account).await;
    }

    #[tokio::test]
    async fn postgres() {
        each_seed(Engine::Postgres, a_random_account).await;
    }
}
