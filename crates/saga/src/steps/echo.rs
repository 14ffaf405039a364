//! `echo`: puts its input message into the context. The smallest saga there is.

use crate::{Outcome, Run, Step};

crate::shape! {
    /// What `echo` reads.
    pub struct EchoNeeds {
        /// Any JSON.
        pub message: Option<serde_json::Value>,
    }
}

/// Puts `echoed_at_step_<idx>` = the input `message`.
#[derive(Debug, Clone, Copy)]
pub struct Echo;

impl<C: Send + Sync + 'static> Step<C> for Echo {
    const NAME: &'static str = "echo";
    type Needs = EchoNeeds;
    type Gives = ();
    type Prior = ();

    async fn execute(&self, run: &Run<C>, needs: EchoNeeds) -> Outcome<()> {
        run.put_output(format!("echoed_at_step_{}", run.idx()), needs.message.unwrap_or_default());
        Ok(())
    }
}
