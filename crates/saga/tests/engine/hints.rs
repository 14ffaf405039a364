//! A node hears of what another process starts, long before its own next look.

use crate::world::{Shelf, asked, no_inputs};
use arcadia_saga::{Clock, Registry, Runner, Sagas, Settings, StartSaga, Status};
use arcadia_sql::{Engine, MIGRATIONS, Options, testing::TestDb};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const AN_HOUR: Duration = Duration::from_secs(3600);
/// Less than the node's own next look; only a node that is deaf takes so long.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

#[tokio::test]
async fn what_another_process_starts_is_begun_at_once() {
    let db = TestDb::fresh(Engine::Postgres, Options::default(), &MIGRATIONS).await;
    let registry = Arc::new(Registry::<Shelf>::new());
    let node = Sagas::new((*db).clone(), Clock::machine(1.0), &registry);
    let settings = Settings { safety_poll: AN_HOUR, ..Settings::default() };
    let runner = Runner::new(node.clone(), Arc::clone(&registry), Arc::default(), settings);
    let asker = Sagas::new(db.another(Options::default()).await, Clock::machine(1.0), &registry);
    let story = async {
        while asker.live_runners().await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        // The first may be found by the runner's first look; what is started before it listens, with a later one.
        let mut heard = 0;
        while heard < 2 {
            let id = asker.new_id();
            let ended = node.end_here(id);
            let start = StartSaga { id: Some(id), ..asked(&["echo"], no_inputs()) };
            asker.start(start).await.unwrap();
            if let Ok(ended) = tokio::time::timeout(Duration::from_secs(2), ended).await {
                assert_eq!(ended.unwrap(), Status::Completed);
                heard += 1;
            }
        }
    };
    tokio::select! {
        _ = runner.run(CancellationToken::new()) => panic!("the runner ended by itself"),
        told = tokio::time::timeout(PATIENCE, story) => told.expect("the node heard nothing"),
    }
}
