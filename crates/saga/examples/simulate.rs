//! Runs seeds of the simulation: `simulate <from> <to> <sqlite|postgres>`, `to` not included. `cargo xtask simulate`
//! shares seeds out among several of these.

#![allow(clippy::print_stdout, reason = "a command line talks to its user")]

use arcadia_saga::testing::simulation::Simulator;
use arcadia_sql::Engine;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((from, to, engine)) = read(&arguments) else {
        println!("usage: simulate <from> <to> <sqlite|postgres>");
        return ExitCode::from(2);
    };
    let simulator = match Simulator::open(engine).await {
        Ok(simulator) => simulator,
        Err(why) => {
            println!("no database: {why}");
            return ExitCode::FAILURE;
        }
    };
    let (mut failed, mut events, mut sagas) = (0, 0, 0);
    for seed in from..to {
        let run = simulator.run(seed).await;
        (events, sagas) = (events + run.events, sagas + run.sagas);
        let Some(violation) = run.violation else { continue };
        failed += 1;
        if to - from == 1 {
            run.trace.iter().for_each(|line| println!("{line}"));
        }
        println!("failed: seed {seed} ({:016x}): {violation}", run.hash);
    }
    println!("held: {} of {} seeds, {sagas} sagas, {events} events", to - from - failed, to - from);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(arguments: &[String]) -> Option<(u64, u64, Engine)> {
    let [from, to, engine] = arguments else { return None };
    let engine = match engine.as_str() {
        "sqlite" => Engine::Sqlite,
        "postgres" => Engine::Postgres,
        _ => return None,
    };
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from < to).then_some((from, to, engine))
}
