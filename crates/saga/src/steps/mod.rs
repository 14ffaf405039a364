//! The steps that ship with the engine.

mod echo;
mod fail;
mod sleep;

pub use echo::Echo;
pub use fail::Fail;
pub use sleep::Sleep;
