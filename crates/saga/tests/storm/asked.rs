//! What is asked of the workers: two thousand sagas of five steps, some with a lock that others want too, some with
//! a point of no return, some cancelled. All of it follows from the seed but the clock inside the ids.

use arcadia_saga::SagaId;
use std::time::Duration;

pub const SAGAS: usize = 2_000;
pub const STEPS: usize = 5;
const LOCKS: usize = 60;

pub const ONLY_PUTS: [&str; STEPS] = ["put", "put", "put", "put", "put"];
pub const WITH_PIVOT: [&str; STEPS] = ["put", "put", "seal", "put", "put"];

/// One saga, as its caller wants it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub id: SagaId,
    pub has_pivot: bool,
    pub lock: Option<usize>,
    /// After it was started.
    pub cancelled_after: Option<Duration>,
}

impl Asked {
    pub fn all(seed: u64) -> Vec<Asked> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..SAGAS).map(|_| Asked::one(&mut random)).collect()
    }

    fn one(random: &mut fastrand::Rng) -> Asked {
        let millis = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
        let mut bytes = [0; 10];
        random.fill(&mut bytes);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid();
        let cancelled = random.u32(..100) < 8;
        let delay = Duration::from_millis(random.u64(..1_000));
        Asked {
            id: SagaId(id),
            has_pivot: random.u32(..100) < 30,
            lock: (random.u32(..100) < 15).then(|| random.usize(..LOCKS)),
            cancelled_after: cancelled.then_some(delay),
        }
    }

    /// The command to a worker.
    pub fn command(&self, number: usize) -> String {
        let lock = self.lock.map_or_else(|| "-".to_owned(), |lock| format!("shelf:{lock}"));
        format!("start {number} {} {} {lock}", self.id, if self.has_pivot { "pivot" } else { "plain" })
    }
}
