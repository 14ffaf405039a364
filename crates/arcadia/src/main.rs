//! The `arcadia` binary.

fn main() {}
