//! The world that the sagas change: a server in the test's own process, with things under marks and a log to which
//! lines are only added. It loses answers, refuses, delays, and does late what nobody waits for any more.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// One step of one saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub saga: Uuid,
    pub idx: usize,
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct Line {
    pub place: Place,
    pub change: Change,
    #[expect(dead_code, reason = "told with a line that is wrong: which life of which worker asked for it")]
    pub worker: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    /// How many there were.
    Removed(u32),
}

/// A worker's death, and what came of the sagas that had a call under way at that moment.
#[derive(Debug, Clone)]
pub struct Kill {
    pub worker: u32,
    pub sagas: BTreeSet<Uuid>,
    pub at: Instant,
    /// Until another worker called for one of them.
    pub adopted_after: Option<Duration>,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Served,
    Refused,
    NotYet,
    LostBefore,
    LostAfter,
    /// The caller hears nothing; the effect comes later.
    Late,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Put,
    Remove,
    Look,
}

struct Call {
    verb: Verb,
    place: Place,
    worker: u32,
    /// The caller's promise: after this nothing of the call happens.
    deadline_us: u128,
}

#[derive(Default)]
struct State {
    seed: u64,
    random: HashMap<Place, fastrand::Rng>,
    things: HashMap<Place, u32>,
    log: Vec<Line>,
    under_way: HashMap<u64, (Uuid, u32)>,
    calls: u64,
    late: u64,
    kills: Vec<Kill>,
}

/// A handle on the server, which ends with the test's runtime.
#[derive(Clone)]
pub struct Shelf {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Shelf {
    pub async fn open(seed: u64) -> Shelf {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(Mutex::new(State { seed, ..State::default() }));
        let shelf = Shelf { address: listener.local_addr().unwrap(), state };
        let server = shelf.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        shelf
    }

    pub fn log(&self) -> Vec<Line> {
        self.with(|state| state.log.clone())
    }

    pub fn things(&self) -> HashMap<Place, u32> {
        self.with(|state| state.things.clone())
    }

    /// All calls, and how many had their effect after their answer was lost.
    pub fn calls(&self) -> (u64, u64) {
        self.with(|state| (state.calls, state.late))
    }

    /// To be said just before a worker is killed.
    pub fn killed(&self, worker: u32) {
        self.with(|state| {
            let its = state.under_way.values().filter(|(_, by)| *by == worker);
            let sagas = its.map(|(saga, _)| *saga).collect();
            state.kills.push(Kill { worker, sagas, at: Instant::now(), adopted_after: None });
        });
    }

    pub fn kills(&self) -> Vec<Kill> {
        self.with(|state| state.kills.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A killed caller's connection ends in any way it likes.
    async fn serve(&self, mut stream: TcpStream) {
        let (reading, mut writing) = stream.split();
        let Ok(Some(line)) = BufReader::new(reading).lines().next_line().await else { return };
        let call = Call::read(&line);
        let (number, fate, delay) = self.with(|state| state.begin(&call));
        tokio::time::sleep(delay).await;
        let answer = match fate {
            Fate::Served => self.with(|state| state.carry_out(&call)),
            Fate::Refused => Some("refused"),
            Fate::NotYet => Some("later"),
            Fate::LostBefore | Fate::Late => None,
            Fate::LostAfter => self.with(|state| state.carry_out(&call)).and(None),
        };
        if let Some(answer) = answer {
            let _ = writing.write_all(format!("{answer}\n").as_bytes()).await;
        }
        drop(stream);
        self.with(|state| state.under_way.remove(&number));
        if fate == Fate::Late {
            tokio::time::sleep(delay).await;
            self.with(|state| {
                let before = state.log.len();
                state.carry_out(&call);
                state.late += u64::from(state.log.len() > before);
            });
        }
    }
}

impl State {
    fn begin(&mut self, call: &Call) -> (u64, Fate, Duration) {
        self.calls += 1;
        let saga = call.place.saga;
        for kill in &mut self.kills {
            if kill.adopted_after.is_none() && kill.worker != call.worker && kill.sagas.contains(&saga) {
                kill.adopted_after = Some(kill.at.elapsed());
            }
        }
        self.under_way.insert(self.calls, (saga, call.worker));
        let seed = self.seed ^ saga.as_u64_pair().1.rotate_left(8 * u32::try_from(call.place.idx).unwrap());
        let random = self.random.entry(call.place).or_insert_with(|| fastrand::Rng::with_seed(seed));
        (self.calls, fate(call.verb, random), delay(random))
    }

    /// The effect and the answer; nothing of either once the call's time is over.
    fn carry_out(&mut self, call: &Call) -> Option<&'static str> {
        if now_us() > call.deadline_us {
            return None;
        }
        let things = self.things.entry(call.place).or_default();
        let (change, answer) = match call.verb {
            Verb::Put => {
                *things += 1;
                (Change::Added, "done")
            }
            Verb::Remove if *things > 0 => (Change::Removed(std::mem::take(things)), "done"),
            Verb::Remove => return Some("nothing"),
            Verb::Look if *things > 0 => return Some("there"),
            Verb::Look => return Some("nothing"),
        };
        self.log.push(Line { place: call.place, change, worker: call.worker });
        Some(answer)
    }
}

impl Call {
    /// `<verb> <saga> <step> <worker> <deadline in microseconds>`
    fn read(line: &str) -> Call {
        let words: Vec<&str> = line.split(' ').collect();
        let [verb, saga, idx, worker, deadline_us] = words[..] else { panic!("a call like `{line}`") };
        let verb = match verb {
            "put" => Verb::Put,
            "remove" => Verb::Remove,
            "look" => Verb::Look,
            other => panic!("a verb like `{other}`"),
        };
        let place = Place { saga: saga.parse().unwrap(), idx: idx.parse().unwrap() };
        Call { verb, place, worker: worker.parse().unwrap(), deadline_us: deadline_us.parse().unwrap() }
    }
}

fn fate(verb: Verb, random: &mut fastrand::Rng) -> Fate {
    match (verb, random.u32(..100)) {
        (Verb::Put | Verb::Remove, 0..4) => Fate::Refused,
        (Verb::Put | Verb::Remove, 4..7) => Fate::NotYet,
        (_, 7..9) => Fate::LostBefore,
        (_, 9..13) => Fate::LostAfter,
        (Verb::Put | Verb::Remove, 13..15) => Fate::Late,
        _ => Fate::Served,
    }
}

fn delay(random: &mut fastrand::Rng) -> Duration {
    Duration::from_millis(if random.u32(..4) == 0 { random.u64(20..150) } else { random.u64(..20) })
}

/// One clock for all processes of the machine.
pub fn now_us() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros()
}
