//! The engine, on both databases, on a clock that only the test moves. The oracle is the shelf and the rows.

#![allow(clippy::unwrap_used)]

mod columns;
mod crashes;
mod doubt;
mod fencing;
mod forward;
mod hints;
mod hold;
mod kept;
mod operators;
mod parked;
mod plans;
mod poisoned;
mod proxy;
mod rewound;
mod rollback;
mod schedules;
mod statements;
mod strays;
mod verbs;
mod world;
