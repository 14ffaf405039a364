//! The `arcadia` binary: its allocator, and the exit code of what the command line asked for.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    arcadia::cli::main()
}
