//! The course of a storm: sagas are asked for and cancelled, workers are killed and started again, the database too,
//! until every saga has ended. Then the verdict.

use crate::asked::{Asked, SAGAS};
use crate::figures::{Figures, report};
use crate::fleet::Fleet;
use crate::shelf::Shelf;
use crate::verdict;
use arcadia_sql::testing::{Cluster, Mode};
use arcadia_sql::{Db, MIGRATIONS, Options};
use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;

const WORKERS: usize = 3;
const KILLS_ON_SQLITE: usize = 10;
/// The last of them comes after the last saga was asked for.
const KILLS_ON_POSTGRES: usize = 12;
const KILL_EVERY: Duration = Duration::from_secs(2);
/// The sagas are asked for over this long, so that no kill finds idle workers.
const ASK_FOR: Duration = Duration::from_secs(22);
const RESTARTS: [(Duration, Mode); 2] =
    [(Duration::from_millis(7_300), Mode::Immediate), (Duration::from_millis(15_100), Mode::Fast)];
const BEAT: Duration = Duration::from_millis(10);
const LOOK_EVERY: Duration = Duration::from_millis(200);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);
const ENDS_WITHIN: Duration = Duration::from_secs(600);

pub async fn on_sqlite() {
    let folder = TempDir::with_prefix("arcadia-storm-").unwrap();
    let url = format!("sqlite://{}", folder.path().join("storm.db").display());
    run(folder, url, 1, KILLS_ON_SQLITE, None).await;
}

pub async fn on_postgres() {
    let folder = TempDir::with_prefix("arcadia-storm-").unwrap();
    let cluster = Cluster::start().await;
    run(folder, cluster.url(), WORKERS, KILLS_ON_POSTGRES, Some(cluster)).await;
}

async fn run(mut folder: TempDir, url: String, workers: usize, kills_max: usize, cluster: Option<Cluster>) {
    let seed = std::env::var("ARCADIA_STORM_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    report(&format!("ARCADIA_STORM_SEED={seed}, workers' logs in {}", folder.path().display()));
    // What the workers said is kept unless all is well.
    let keep = std::env::var_os("ARCADIA_STORM_KEEP").is_some();
    folder.disable_cleanup(true);
    open(&url).await.close().await;

    let mut storm = Storm::begin(seed, folder.path(), &url, workers, kills_max).await;
    let restarts = cluster.map(|cluster| tokio::spawn(restart(cluster)));
    while !storm.is_over() {
        storm.beat().await;
        tokio::time::sleep(BEAT).await;
    }
    let mut figures = storm.figures();
    let mut server = None;
    if let Some(restarts) = restarts {
        let (cluster, away) = finished(restarts).await;
        (server, figures.away) = (Some(cluster), away);
    }
    let db = open(&url).await;
    verdict::while_they_live(&db, storm.fleet.len()).await;
    storm.fleet.stop().await;
    verdict::judge(&db, &storm.asked, &storm.shelf, &mut figures).await;
    db.close().await;
    figures.print(storm.shelf.calls());
    folder.disable_cleanup(keep);
    drop(server);
}

/// Another handle beside the workers' own.
async fn open(url: &str) -> Db {
    let options = Options { lock_file: false, ..Options::default() };
    let db = Db::connect(url, options).await.unwrap();
    db.migrate(&MIGRATIONS).await.unwrap();
    db
}

async fn restart(mut cluster: Cluster) -> (Cluster, Vec<Duration>) {
    let (begun, mut away) = (tokio::time::Instant::now(), Vec::new());
    for (at, mode) in RESTARTS {
        tokio::time::sleep_until(begun + at).await;
        let stopped_at = Instant::now();
        cluster.restart(mode).await;
        away.push(stopped_at.elapsed());
    }
    (cluster, away)
}

/// All sagas have ended, so the restarts must have come before.
async fn finished<T>(restarts: JoinHandle<T>) -> T {
    assert!(restarts.is_finished(), "the storm was over before the database's last restart");
    restarts.await.unwrap()
}

struct Storm {
    asked: Vec<Asked>,
    fleet: Fleet,
    shelf: Shelf,
    random: fastrand::Rng,
    begun: Instant,
    /// How many were asked for at least once.
    first_asked: usize,
    /// To be asked for again: the lock was taken, or whom we asked died before it answered.
    again: VecDeque<(Instant, usize)>,
    /// Asked, without an answer: the saga and the worker.
    open: Vec<(usize, u32)>,
    cancels: VecDeque<(Instant, usize)>,
    started: BTreeSet<usize>,
    kills_left: usize,
    kills: usize,
    kill_at: Instant,
    look_at: Instant,
    looks: u64,
    /// The first look that came after the last start.
    first_telling_look: Option<u64>,
    helped: usize,
    last_seen: String,
    course: File,
    ended: Option<Instant>,
}

impl Storm {
    async fn begin(seed: u64, folder: &Path, url: &str, workers: usize, kills_max: usize) -> Storm {
        let shelf = Shelf::open(seed).await;
        let fleet = Fleet::of(workers, shelf.address, url.to_owned(), folder.to_owned()).await;
        let now = Instant::now();
        Storm {
            asked: Asked::all(seed),
            fleet,
            shelf,
            random: fastrand::Rng::with_seed(seed),
            begun: now,
            first_asked: 0,
            again: VecDeque::new(),
            open: Vec::new(),
            cancels: VecDeque::new(),
            started: BTreeSet::new(),
            kills_left: kills_max,
            kills: 0,
            kill_at: now + KILL_EVERY,
            look_at: now,
            looks: 0,
            first_telling_look: None,
            helped: 0,
            last_seen: String::new(),
            course: File::create(folder.join("course.log")).unwrap(),
            ended: None,
        }
    }

    fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    async fn beat(&mut self) {
        while let Ok(line) = self.fleet.heard.try_recv() {
            self.hear(&line);
        }
        self.ask().await;
        self.cancel().await;
        if self.kill_at <= Instant::now() && self.kills_left > 0 {
            self.kill().await;
        }
        if self.look_at <= Instant::now() {
            self.look_at = Instant::now() + LOOK_EVERY;
            self.looks += 1;
            let line = format!("look {}", self.looks);
            self.tell_anyone(&line).await;
        }
        assert!(self.begun.elapsed() < ENDS_WITHIN, "no end: {}", self.standing());
    }

    /// Beside the workers' logs, for whoever asks why a storm took so long.
    fn write_course(&mut self) {
        let line = format!("{:?}: {}\n", self.begun.elapsed(), self.standing());
        self.course.write_all(line.as_bytes()).unwrap();
    }

    fn standing(&self) -> String {
        let again: Vec<usize> = self.again.iter().map(|(_, number)| *number).collect();
        let (started, open, seen) = (self.started.len(), &self.open, &self.last_seen);
        format!("{started} started; to be asked again: {again:?}; unanswered: {open:?}; {seen}")
    }

    fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["started", number] => self.hear_started(number.parse().unwrap()),
            ["conflict", number] => self.hear_conflict(number.parse().unwrap()),
            ["seen", look, unfinished, helped] => {
                line.clone_into(&mut self.last_seen);
                self.write_course();
                self.helped += helped.parse::<usize>().unwrap();
                let tells =
                    self.first_telling_look.is_some_and(|first| look.parse::<u64>().unwrap() >= first);
                if tells && unfinished == "0" && self.kills_left == 0 {
                    self.ended.get_or_insert_with(Instant::now);
                }
            }
            _ => panic!("a worker said `{line}`"),
        }
    }

    /// A dead worker's answer may come beside the one of whom we asked again.
    fn hear_started(&mut self, number: usize) {
        self.open.retain(|(open, _)| *open != number);
        self.again.retain(|(_, again)| *again != number);
        if !self.started.insert(number) {
            return;
        }
        if let Some(delay) = self.asked[number].cancelled_after {
            self.cancels.push_back((Instant::now() + delay, number));
        }
        if self.started.len() == SAGAS {
            self.first_telling_look = Some(self.looks + 1);
        }
    }

    /// Of a saga that ran meanwhile this is said too: its lock may be another's by now.
    fn hear_conflict(&mut self, number: usize) {
        self.open.retain(|(open, _)| *open != number);
        if !self.started.contains(&number) {
            self.again.push_back((Instant::now() + ASK_AGAIN_AFTER, number));
        }
    }

    async fn ask(&mut self) {
        let now = Instant::now();
        let share = self.begun.elapsed().as_secs_f64() / ASK_FOR.as_secs_f64();
        let due = SAGAS.min((SAGAS as f64 * share) as usize);
        let mut numbers: Vec<usize> = (self.first_asked..due).collect();
        self.first_asked = due;
        while let Some((_, number)) = self.again.pop_front_if(|(at, _)| *at <= now) {
            numbers.push(number);
        }
        for number in numbers {
            let line = self.asked[number].command(number);
            let worker = self.tell_anyone(&line).await;
            self.open.push((number, worker));
        }
    }

    async fn cancel(&mut self) {
        let now = Instant::now();
        let (due, later): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.cancels).into_iter().partition(|(at, _)| *at <= now);
        self.cancels = later;
        for (_, number) in due {
            let line = format!("cancel {}", self.asked[number].id);
            self.tell_anyone(&line).await;
        }
    }

    async fn tell_anyone(&mut self, line: &str) -> u32 {
        let at = self.random.usize(..self.fleet.len());
        self.fleet.tell(at, line).await
    }

    /// Whatever the dead one was asked and did not answer is asked of another.
    async fn kill(&mut self) {
        let at = self.random.usize(..self.fleet.len());
        self.shelf.killed(self.fleet.number(at));
        let dead = self.fleet.kill(at).await;
        self.fleet.start().await;
        let now = Instant::now();
        let (lost, open): (Vec<_>, Vec<_>) = self.open.drain(..).partition(|(_, worker)| *worker == dead);
        self.open = open;
        self.again.extend(lost.into_iter().map(|(number, _)| (now, number)));
        (self.kills, self.kills_left, self.kill_at) = (self.kills + 1, self.kills_left - 1, now + KILL_EVERY);
    }

    fn figures(&self) -> Figures {
        let took = self.ended.unwrap().duration_since(self.begun);
        Figures::of(took, self.kills, self.helped, &self.shelf.kills())
    }
}
