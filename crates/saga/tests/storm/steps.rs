//! The steps, as a worker runs them: one thing on the shelf under the step's mark. In doubt they look before they
//! repeat; undone, they take it away again.

use crate::asked;
use crate::shelf::now_us;
use arcadia_saga::{Class, Halt, Outcome, Policy, Registry, Run, Step, Undo, Undoing, shape};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// After this the caller stops listening and the shelf does nothing more.
pub const CALL_TIMEOUT: Duration = Duration::from_millis(300);

/// The shelf as one worker reaches it.
pub struct Reach {
    pub address: SocketAddr,
    pub worker: u32,
}

shape! { pub struct Stored { pub stored: bool } }

/// Puts a thing on the shelf.
struct Put;

/// The same, and from then on only forward.
struct Seal;

pub fn registry() -> Registry<Reach> {
    Registry::new().step(Put).step(Seal)
}

fn policy() -> Policy {
    Policy { attempts: 6, compensation_attempts: 12, ..Policy::default() }
}

impl Step<Reach> for Put {
    const NAME: &'static str = asked::ONLY_PUTS[0];
    type Needs = ();
    type Gives = Stored;
    type Prior = ();

    fn policy(&self) -> Policy {
        policy()
    }

    async fn execute(&self, run: &Run<Reach>, (): ()) -> Outcome<Stored> {
        put(run).await
    }

    async fn compensate(&self, run: &Run<Reach>, undoing: Undoing<(), (), Stored>) -> Undo {
        let found_nothing = call(run, "remove").await? == "nothing";
        // With an output it was there, and an earlier attempt at this took it away.
        if found_nothing && undoing.gave.is_none() {
            run.seen_nothing()?;
        }
        Ok(())
    }
}

impl Step<Reach> for Seal {
    const NAME: &'static str = asked::WITH_PIVOT[2];
    const CLASS: Class = Class::Pivot;
    type Needs = ();
    type Gives = Stored;
    type Prior = ();

    fn policy(&self) -> Policy {
        policy()
    }

    async fn execute(&self, run: &Run<Reach>, (): ()) -> Outcome<Stored> {
        put(run).await
    }
}

async fn put(run: &Run<Reach>) -> Outcome<Stored> {
    if run.in_doubt() {
        if call(run, "look").await? == "there" {
            return Ok(Stored { stored: true });
        }
        run.seen_nothing()?;
    }
    call(run, "put").await?;
    Ok(Stored { stored: true })
}

/// One call. What is not answered in time may have happened.
async fn call(run: &Run<Reach>, verb: &str) -> Outcome<String> {
    if let Err(why) = run.may_call(CALL_TIMEOUT) {
        return Err(Halt::wait(Duration::from_secs(6), why));
    }
    let deadline_us = now_us() + CALL_TIMEOUT.as_micros();
    let line = format!("{verb} {} {} {} {deadline_us}\n", run.saga_id(), run.idx(), run.cloud.worker);
    let lost = || Halt::unknown(format!("`{verb}` was not answered"));
    let answered = tokio::time::timeout(CALL_TIMEOUT, say(run.cloud.address, &line)).await;
    match answered.map_err(|_| lost())?.map_err(|_| lost())?.as_deref() {
        None => Err(lost()),
        Some("refused") => Err(Halt::failed(format!("`{verb}` was refused"))),
        Some("later") => Err(Halt::wait(Duration::from_secs(3), "the shelf to be ready")),
        Some(answer) => Ok(answer.to_owned()),
    }
}

async fn say(address: SocketAddr, line: &str) -> std::io::Result<Option<String>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(line.as_bytes()).await?;
    BufReader::new(stream).lines().next_line().await
}
