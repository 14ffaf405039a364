//! Waits until the droplet runs and has its public address. A failed look is just another poll.

use crate::cloud::Cloud;
use crate::inventory::Observation;
use crate::provisioning::boots::Sight;
use crate::provisioning::{POLL_EVERY, rate_limited};
use arcadia_saga::{Halt, Outcome, Run, Step, shape};
use digitalocean::{Droplet, DropletId, DropletStatus, Error};
use std::time::Duration;

/// Eight minutes in all.
const POLLS_MAX: u32 = 96;
/// A droplet younger than this may not be found yet.
const YOUNG: Duration = Duration::from_secs(60);
/// The longest that one poll takes, real time: the shared look may hang with its connection.
const LOOK_MAX: Duration = Duration::from_secs(30);

shape! {
    /// A droplet by id.
    pub struct KnownDroplet {
        /// The provider's id.
        pub droplet_id: u64,
    }
}

shape! {
    /// A droplet that runs.
    pub struct RunningDroplet {
        /// Its public IPv4 address.
        pub ip: String,
        /// How it looked then, for the inventory.
        pub droplet_seen: Observation,
    }
}

/// See the file's head.
#[derive(Debug, Clone, Copy)]
pub struct WaitDropletActive;

impl Step<Cloud> for WaitDropletActive {
    const NAME: &'static str = "wait_droplet_active";
    type Needs = KnownDroplet;
    type Gives = RunningDroplet;
    type Prior = ();

    async fn execute(&self, run: &Run<Cloud>, needs: KnownDroplet) -> Outcome<RunningDroplet> {
        let id = DropletId(needs.droplet_id);
        // It was created this very moment: the first poll is the first that can see it run.
        if run.waits() == 0 {
            return Err(Halt::wait(POLL_EVERY, format!("droplet {id} to become active")));
        }
        let outcome = match poll(run, id).await {
            Ok(droplet) => judge(run, *droplet),
            Err(halt) => Err(halt),
        };
        if !matches!(outcome, Err(Halt::Wait(_))) {
            run.cloud.boots.settled(id);
        }
        outcome
    }
}

async fn poll(run: &Run<Cloud>, id: DropletId) -> Outcome<Box<Droplet>> {
    let boots = &run.cloud.boots;
    let is_young = run.clock().now() < run.clock().after(run.started_at(), YOUNG);
    let looking = async {
        match boots.look(run, id).await {
            Ok(Sight::NotListed) if !is_young => boots.look_closely(run, id).await,
            sight => sight,
        }
    };
    match tokio::time::timeout(LOOK_MAX, looking).await {
        Ok(Ok(Sight::Here(droplet))) => Ok(droplet),
        Ok(Ok(Sight::NotFound)) if !is_young => {
            Err(Halt::failed(format!("droplet {id} vanished: the provider does not find it any more")))
        }
        Ok(Ok(Sight::NotFound | Sight::NotListed)) => Err(again(run, "is not found yet", POLL_EVERY)),
        Ok(Err(error)) => Err(again_after(run, &error)),
        Err(_) => Err(again(run, "could not be looked at: no answer", POLL_EVERY)),
    }
}

fn judge(run: &Run<Cloud>, droplet: Droplet) -> Outcome<RunningDroplet> {
    match (&droplet.status, droplet.public_ipv4()) {
        (DropletStatus::Active, Some(ip)) => {
            Ok(RunningDroplet { ip: ip.to_string(), droplet_seen: Observation::from(&droplet) })
        }
        (DropletStatus::Active, None) => Err(again(run, "has no public address yet", POLL_EVERY)),
        (DropletStatus::Archive, _) => Err(Halt::failed(format!("droplet {} was archived", droplet.id))),
        (status, _) => Err(again(run, &format!("is {status}"), POLL_EVERY)),
    }
}

fn again_after(run: &Run<Cloud>, error: &Error) -> Halt {
    let delay = rate_limited(error).unwrap_or(POLL_EVERY);
    again(run, &format!("could not be looked at: {}", error.message()), delay)
}

fn again(run: &Run<Cloud>, found: &str, delay: Duration) -> Halt {
    if run.waits() >= POLLS_MAX {
        return Halt::failed(format!("the droplet {found} after {POLLS_MAX} polls"));
    }
    Halt::wait(delay, format!("the droplet to become active; it {found}"))
}
