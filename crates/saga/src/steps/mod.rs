//! The steps that ship with the engine.

mod approve;
mod echo;
mod fail;
mod sleep;

pub use approve::Approve;
pub use echo::Echo;
pub use fail::Fail;
pub use sleep::Sleep;
