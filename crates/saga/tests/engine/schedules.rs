//! The calendar: each tick once over all nodes, none piled up, none lost.

use crate::world::{Shelf, Trouble, World, asked, no_inputs, options};
use arcadia_saga::{
    By, CatchUp, Clock, Filter, Outcome, PlanError, Policy, Registry, Run, Runner, Sagas, Schedule, Settings,
    StartError, StartSaga, Status, Step,
};
use arcadia_sql::{Engine, MIGRATIONS, args, on_both_databases, statements, testing::TestDb};
use jiff::SignedDuration;
use std::sync::Arc;

statements! {
    HOLD = "SELECT name FROM saga_schedules WHERE name = $1 {for_update}";
}

const ADA: By = By { actor: "user:ada", reason: "testing" };

/// Background work: leaves one thing for each run.
struct Sweep;

impl Step<Shelf> for Sweep {
    const NAME: &'static str = "sweep";
    type Needs = ();
    type Gives = ();
    type Prior = ();

    fn policy(&self) -> Policy {
        Policy::background()
    }

    async fn execute(&self, run: &Run<Shelf>, (): ()) -> Outcome<()> {
        run.cloud.meet("sweep").await?;
        let at = run.clock().now().to_string();
        *run.cloud.things.lock().unwrap().entry(at).or_default() += 1;
        Ok(())
    }
}

fn registry(catch_up: CatchUp) -> Arc<Registry<Shelf>> {
    let registry = Registry::new().queue("background", 2, None).step(Sweep);
    let schedule = Schedule::new("sweep", "*/15 * * * *", "background", "sweep").unwrap().catch_up(catch_up);
    Arc::new(registry.schedule(schedule).unwrap())
}

struct Calendar {
    world: World,
    sagas: Sagas,
    registry: Arc<Registry<Shelf>>,
}

impl Calendar {
    /// At noon, with the schedule entered.
    async fn new(db: TestDb, catch_up: CatchUp) -> Calendar {
        Calendar::of(db, registry(catch_up)).await
    }

    /// With an hourly schedule of each name.
    async fn hourly(db: TestDb, names: &[String]) -> Calendar {
        let mut registry = Registry::new().queue("background", 512, None).step(Sweep);
        for name in names {
            let schedule = Schedule::new(name, "0 * * * *", "background", "sweep").unwrap();
            registry = registry.schedule(schedule).unwrap();
        }
        Calendar::of(db, Arc::new(registry)).await
    }

    async fn of(db: TestDb, registry: Arc<Registry<Shelf>>) -> Calendar {
        let world = World::new(db);
        let sagas = Sagas::new((*world.db).clone(), Clock::manual(world.now.clone(), 5), &registry);
        let calendar = Calendar { world, sagas, registry };
        calendar.node().round().await.unwrap();
        calendar
    }

    fn node(&self) -> Runner<Shelf> {
        let (registry, shelf) = (Arc::clone(&self.registry), Arc::clone(&self.world.shelf));
        Runner::new(self.sagas.clone(), registry, shelf, Settings::default())
    }

    async fn hours(&self, hours: i64) {
        let until = self.world.at() + SignedDuration::from_hours(hours);
        self.node().settle(until, |_| ()).await.unwrap();
    }

    fn downtime(&self, hours: u64) {
        self.world.now.advance(std::time::Duration::from_secs(hours * 3600));
    }

    /// The schedules that ran or were skipped, by their names.
    async fn ticked(&self) -> Vec<String> {
        let states = self.sagas.schedules().await.unwrap().into_iter();
        states.filter(|state| state.last_tick.is_some()).map(|state| state.name).collect()
    }

    fn runs(&self) -> Vec<u32> {
        self.world.shelf.things.lock().unwrap().values().copied().collect()
    }
}

on_both_databases! {
    migrations = &MIGRATIONS; options = options();

    async fn two_nodes_run_each_tick_of_a_day_once(db: TestDb) {
        let calendar = Calendar::new(db, CatchUp::Once).await;
        let (one, two) = (calendar.node(), calendar.node());
        for _ in 0..24 * 4 {
            calendar.world.now.advance(std::time::Duration::from_secs(15 * 60));
            let (first, second) = tokio::join!(one.round(), two.round());
            first.unwrap();
            second.unwrap();
        }
        one.round().await.unwrap();
        assert_eq!(calendar.runs(), vec![1; 96]);
        let all = calendar.sagas.list(&Filter { limit: 200, ..Filter::default() }).await.unwrap();
        assert_eq!(all.iter().filter(|saga| saga.status == Status::Completed).count(), 96);
        assert_eq!(calendar.sagas.schedules().await.unwrap()[0].skipped, 0);
    }

    async fn hundreds_of_schedules_of_one_moment_start_once_each_over_two_nodes(db: TestDb) {
        let names: Vec<String> = (100..550).map(|number| format!("sweep-{number}")).collect();
        let calendar = Calendar::hourly(db, &names).await;
        calendar.downtime(1);
        let (one, two) = (calendar.node(), calendar.node());
        let (first, second) = tokio::join!(one.round(), two.round());
        first.unwrap();
        second.unwrap();
        one.round().await.unwrap();
        assert_eq!(calendar.ticked().await, names);
        assert_eq!(calendar.runs().iter().sum::<u32>(), 450);
    }

    async fn ticks_of_a_downtime_are_one_run_or_none(db: TestDb) {
        let calendar = Calendar::new(db, CatchUp::Once).await;
        calendar.downtime(3);
        calendar.node().round().await.unwrap();
        calendar.node().round().await.unwrap();
        assert_eq!(calendar.runs(), [1], "twelve ticks were missed: one run stands for all");
        calendar.hours(1).await;
        assert_eq!(calendar.runs().len(), 5);
    }

    async fn ticks_of_a_downtime_can_be_left_out(db: TestDb) {
        let calendar = Calendar::new(db, CatchUp::Skip).await;
        calendar.downtime(3);
        calendar.node().round().await.unwrap();
        assert_eq!(calendar.runs(), Vec::<u32>::new());
        assert_eq!(calendar.sagas.schedules().await.unwrap()[0].skipped, 1);
        calendar.hours(1).await;
        assert_eq!(calendar.runs().len(), 4);
    }

    async fn a_tick_during_an_unfinished_run_is_skipped_and_says_so(db: TestDb) {
        let calendar = Calendar::new(db, CatchUp::Once).await;
        calendar.world.shelf.trouble("sweep", [Trouble::Wait(40 * 60 * 1000)]);
        calendar.hours(1).await;
        let state = calendar.sagas.schedules().await.unwrap().remove(0);
        assert_eq!(state.skipped, 2, "{state:?}");
        assert_eq!(state.last_skipped_tick.unwrap().to_string(), "2026-11-20T12:45:00Z");
        assert_eq!(calendar.runs().len(), 2);
    }

    async fn work_that_gives_up_is_failed_and_needs_nobody(db: TestDb) {
        let calendar = Calendar::new(db, CatchUp::Once).await;
        calendar.world.shelf.trouble("sweep", vec![Trouble::FailBefore; 5]);
        calendar.hours(2).await;
        let failed = Filter { status: Some(Status::Failed), ..Filter::default() };
        let failed = calendar.sagas.list(&failed).await.unwrap();
        assert_eq!(failed.len(), 1);
        assert_eq!((failed[0].kind.as_str(), &failed[0].attention), ("job", &None));
        assert!(calendar.runs().len() >= 6, "the schedule goes on: {:?}", calendar.runs());
    }

    async fn a_paused_schedule_starts_nothing_and_a_resumed_one_makes_up_for_nothing(db: TestDb) {
        let calendar = Calendar::new(db, CatchUp::Once).await;
        calendar.sagas.pause_schedule("sweep", ADA).await.unwrap();
        calendar.hours(2).await;
        calendar.downtime(2);
        assert_eq!(calendar.runs(), Vec::<u32>::new());
        assert!(calendar.sagas.schedules().await.unwrap()[0].paused);
        calendar.sagas.resume_schedule("sweep", ADA).await.unwrap();
        calendar.hours(1).await;
        assert_eq!(calendar.runs().len(), 4);
    }

    async fn a_run_now_is_a_run_beside_the_ticks_but_never_beside_another_run(db: TestDb) {
        let calendar = Calendar::new(db, CatchUp::Once).await;
        let saga = calendar.sagas.run_schedule("sweep", ADA).await.unwrap();
        let refused = calendar.sagas.run_schedule("sweep", ADA).await.unwrap_err();
        assert!(matches!(refused, StartError::UnderWay { saga: first, .. } if first == saga), "{refused}");
        calendar.node().round().await.unwrap();
        assert_eq!(calendar.runs(), [1]);
        assert_eq!(calendar.sagas.get(saga).await.unwrap().triggered_by, "user:ada");
        let unknown = calendar.sagas.run_schedule("sweeep", ADA).await.unwrap_err();
        assert_eq!(unknown.to_string(), "no schedule is called `sweeep`; the nearest known: sweep");
    }
}

#[test]
fn a_cron_expression_that_cannot_be_read_is_refused_with_its_words() {
    let refused = Schedule::new("sweep", "61 * * * *", "background", "sweep").unwrap_err();
    assert!(matches!(&refused, PlanError::Cron { cron, .. } if cron == "61 * * * *"), "{refused}");
}

/// On SQLite there is one process and one writer: nobody else can hold a row.
#[tokio::test]
async fn a_schedule_that_a_hanging_session_holds_stops_no_other() {
    let db = TestDb::fresh(Engine::Postgres, options(), &MIGRATIONS).await;
    let names = ["first", "second", "third", "fourth"].map(str::to_owned);
    let calendar = Calendar::hourly(db, &names).await;
    calendar.downtime(1);

    let mut holder = calendar.world.db.begin().await.unwrap();
    holder.fetch_one::<String>(&HOLD, args!["first"]).await.unwrap();
    let key = Some("schedule:second".to_owned());
    let asked = asked(&["sweep"], no_inputs());
    let run = StartSaga { unique_key: key, queue: "background".to_owned(), ..asked };
    let mut starter = calendar.world.db.begin().await.unwrap();
    calendar.sagas.start_in(&mut starter, run).await.unwrap();

    calendar.node().round().await.unwrap();
    assert_eq!(calendar.ticked().await, ["fourth", "third"]);
    holder.rollback().await.unwrap();
    starter.rollback().await.unwrap();
    calendar.node().round().await.unwrap();
    assert_eq!(calendar.ticked().await, ["first", "fourth", "second", "third"]);
}
