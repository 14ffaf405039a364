//! Deaths of a process: what did not cause them goes on, what did is parked.

use crate::world::{Trouble, World, options};
use arcadia_saga::{SagaId, Status};
use arcadia_sql::{MIGRATIONS, on_both_databases, testing::TestDb};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinHandle;

type Round = JoinHandle<Result<usize, arcadia_sql::Error>>;

impl World {
    /// Three sagas, whose calls have the places `make:0` to `make:2`, each held up so often.
    async fn three_held_up(&self, times: [usize; 3]) -> [SagaId; 3] {
        for (place, times) in ["make:0", "make:1", "make:2"].into_iter().zip(times) {
            self.shelf.trouble(place, vec![Trouble::Block; times]);
        }
        let inputs = || json!({"message": "hello"});
        [
            self.start(&["make"], inputs()).await,
            self.start(&["echo", "make"], inputs()).await,
            self.start(&["echo", "echo", "make"], inputs()).await,
        ]
    }

    fn begin_round(&self) -> Round {
        let runner = self.runner();
        tokio::spawn(async move { runner.round().await })
    }

    fn held_up_still(&self, idx: usize) -> usize {
        self.shelf.troubles.lock().unwrap()[&format!("make:{idx}")].len()
    }

    /// Its sagas are taken over by the next round.
    async fn dies_for_all(&self, round: Round) {
        self.dies(round).await;
        self.now.advance(Duration::from_secs(11));
    }

    /// Two processes die while all three are in their calls.
    async fn two_deaths(&self) {
        for _ in 0..2 {
            let before = [0, 1, 2].map(|idx| self.held_up_still(idx));
            let round = self.begin_round();
            while [0, 1, 2].iter().any(|idx| self.held_up_still(*idx) == before[*idx]) {
                tokio::task::yield_now().await;
            }
            self.dies_for_all(round).await;
        }
    }

    async fn parked(&self, ids: [SagaId; 3]) -> Vec<SagaId> {
        let mut parked = Vec::new();
        for id in ids {
            let saga = self.saga(id).await;
            match saga.attention {
                Some(attention) => {
                    assert_eq!(attention["reason"], "crashed");
                    parked.push(id);
                }
                None => assert_eq!(saga.status, Status::Completed),
            }
        }
        parked
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn of_all_that_were_in_a_call_at_three_deaths_one_is_parked_and_the_others_go_on(db: TestDb) {
        let world = World::new(db);
        let ids = world.three_held_up([3; 3]).await;
        world.two_deaths().await;
        let round = world.begin_round();
        while [0, 1, 2].iter().all(|idx| world.held_up_still(*idx) == 1) {
            tokio::task::yield_now().await;
        }
        world.dies_for_all(round).await;
        world.shelf.troubles.lock().unwrap().clear();
        world.settle().await;
        assert_eq!(world.parked(ids).await.len(), 1);
        assert_eq!(world.shelf.things().len(), 2);
    }

    async fn what_kills_its_process_whenever_it_is_tried_is_the_one_that_is_parked(db: TestDb) {
        let world = World::new(db);
        let ids = world.three_held_up([2, 3, 2]).await;
        world.two_deaths().await;
        'turns: loop {
            let round = world.begin_round();
            while !round.is_finished() {
                if world.held_up_still(1) == 0 {
                    world.dies_for_all(round).await;
                    break 'turns;
                }
                tokio::task::yield_now().await;
            }
            world.now.advance(Duration::from_secs(1));
        }
        world.settle().await;
        assert_eq!(world.parked(ids).await, [ids[1]]);
        assert_eq!(world.shelf.things().len(), 2);
    }

    async fn what_waits_for_its_turn_after_two_deaths_is_cancelled_at_once(db: TestDb) {
        let world = World::new(db);
        let ids = world.three_held_up([3; 3]).await;
        world.two_deaths().await;
        let round = world.begin_round();
        let waits = 'look: loop {
            for id in ids {
                let saga = world.saga(id).await;
                if saga.waiting_for.unwrap_or_default().starts_with("its turn") {
                    break 'look id;
                }
            }
        };
        world.sagas.cancel(waits, "user:ada").await.unwrap();
        world.runner().round().await.unwrap();
        assert_eq!(world.saga(waits).await.status, Status::Compensating);
        world.dies_for_all(round).await;
        world.shelf.troubles.lock().unwrap().clear();
        world.settle().await;
        assert_eq!(world.saga(waits).await.status, Status::RolledBack);
    }
}
