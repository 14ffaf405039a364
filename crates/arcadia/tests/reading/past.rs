//! The inventory as of a past time: every list that was taken then is answered again, whatever was learnt since.

use crate::api::Api;
use crate::oracle::Who;
use crate::question::Question;
use crate::random::{Account, each_seed};
use crate::tenants::{everyone, person};
use crate::world::World;
use arcadia_sql::Engine;
use serde_json::Value;
use std::time::Duration;

const CHANGES: usize = 60;

/// A list as it was taken.
struct Taken {
    at: String,
    who: Who,
    question: Question,
    rows: Vec<Value>,
}

impl Taken {
    async fn now(world: &World, api: &Api, who: Who, question: Question) -> Taken {
        let rows = question.ask(&person(api, who), None).await;
        Taken {
            at: world.now.get().to_string(),
            who,
            question,
            rows: rows.into_iter().map(remembered).collect(),
        }
    }

    async fn is_answered_again(&self, api: &Api) {
        let rows = self.question.ask(&person(api, self.who), Some(&self.at)).await;
        assert_eq!(rows, self.rows, "as of {} {:?} {:?}", self.at, self.who, self.question);
    }
}

/// When a row was last seen is not remembered.
fn remembered(mut row: Value) -> Value {
    row["last_seen_at"] = Value::Null;
    row
}

async fn a_random_history(world: &World, seed: u64) {
    let (api, mut account) = (Api::over(world).await, Account::new(world, seed));
    let mut taken = Vec::new();
    for _ in 0..CHANGES {
        account.change().await;
        if account.chance.u8(..3) == 0 {
            account.sync().await;
        }
        if account.chance.u8(..6) == 0 {
            account.give(&api).await;
        }
        taken.push(Taken::now(world, &api, Who::Admin, Question::everything()).await);
        let (who, question) = (everyone()[account.chance.usize(..5)], account.question().await);
        taken.push(Taken::now(world, &api, who, question).await);
        // A time is one moment: what happens later happens at another.
        world.advance(Duration::from_secs(1));
    }
    account.come_to_rest(&api).await;
    for who in everyone() {
        taken.push(Taken::now(world, &api, who, Question::everything()).await);
    }
    world.advance(Duration::from_secs(1));
    // Of all this the lists of then know nothing.
    account.change().await;
    account.sync().await;
    account.give(&api).await;
    assert!(taken.iter().any(|list| list.rows.iter().any(|row| !row["deleted_at"].is_null())));
    for list in taken {
        list.is_answered_again(&api).await;
    }
}

mod a_list_as_of_a_time_is_the_list_that_was_taken_then {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        each_seed(Engine::Sqlite, a_random_history).await;
    }

    #[tokio::test]
    async fn postgres() {
        each_seed(Engine::Postgres, a_random_history).await;
    }
}
