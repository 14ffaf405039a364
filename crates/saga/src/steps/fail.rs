//! `fail`: fails as its input says, for trying out what a rollback does.

use crate::{Halt, Outcome, Run, Step};

crate::shape! {
    /// What `fail` reads.
    pub struct FailNeeds {
        /// The failure's words.
        pub reason: Option<String>,
        /// `certain` (the default), `in_doubt` or `panic`.
        pub failure: Option<String>,
    }
}

/// Fails: certainly, in doubt, or by a panic.
#[derive(Debug, Clone, Copy)]
pub struct Fail;

impl<C: Send + Sync + 'static> Step<C> for Fail {
    const NAME: &'static str = "fail";
    type Needs = FailNeeds;
    type Gives = ();
    type Prior = ();

    async fn execute(&self, _run: &Run<C>, needs: FailNeeds) -> Outcome<()> {
        let reason = needs.reason.unwrap_or_else(|| "asked to fail".to_owned());
        match needs.failure.as_deref() {
            None | Some("certain") => Err(Halt::failed(reason)),
            Some("in_doubt") => Err(Halt::unknown(reason)),
            Some("panic") => panic!("{reason}"),
            Some(other) => {
                Err(Halt::failed(format!("`failure` is `{other}`, not certain, in_doubt or panic")))
            }
        }
    }
}
