//! The client's requests, the document's examples and the simulator's answers against DigitalOcean's published
//! specification. `ARCADIA_OPENAPI` names the document where it does not lie beside the workspace.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod answers;
mod calls;
mod document;
mod drive;
mod equipment;
mod examples;
mod schema;
mod stub;
