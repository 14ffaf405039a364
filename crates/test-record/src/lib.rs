//! What the tests log and are answered, kept in a folder that is searched for secrets once all have run.
//! Every secret of every test holds `needle!()`. Without the variable nothing is kept, and the tests run as ever.

mod search;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, Once, OnceLock};

use tracing_subscriber::fmt::MakeWriter;

pub use search::{Found, Searched, search};

/// Names the folder; `cargo xtask test` sets it.
pub const VARIABLE: &str = "ARCADIA_TEST_RECORD";

/// What each secret of a test holds and nothing else does, as a literal for `concat!`.
#[macro_export]
macro_rules! needle {
    () => {
        "5ec2e7n33d1e"
    };
}

/// What each secret of a test holds and nothing else does.
pub const NEEDLE: &str = needle!();

/// Keeps what this process logs from now on, at every level and from every crate. The first call counts.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if file().is_none() {
            return;
        }
        let lines = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE);
        // An error means that the test listens for itself; it may hand on what it hears.
        let _ = tracing::subscriber::set_global_default(lines.with_writer(Record).finish());
    });
}

/// Keeps a text that a test was shown: an answer, the output of a process, an error.
pub fn keep(text: &str) {
    // Whole lines, also where several threads keep something.
    let line = format!("{text}\n");
    // What is lost is missed by the search, which counts what each program has kept.
    let _ = Record.write_all(line.as_bytes());
}

/// What a process is to be told by RUST_LOG: everything while a record is kept, `otherwise` when not.
pub fn level(otherwise: &'static str) -> &'static str {
    if file().is_some() { "trace" } else { otherwise }
}

/// Writes to the record, as it comes.
#[derive(Debug, Clone, Copy)]
pub struct Record;

impl Write for Record {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = file() {
            file.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Record {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Record
    }
}

/// This process's own: `<program>-<process id>.log`.
fn file() -> Option<&'static Mutex<File>> {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    FILE.get_or_init(open).as_ref()
}

fn open() -> Option<Mutex<File>> {
    let folder = PathBuf::from(std::env::var_os(VARIABLE)?);
    let program = std::env::current_exe().ok()?;
    let stem = program.file_stem()?.to_string_lossy().into_owned();
    // Cargo ends the name of a test program with a hash.
    let name = stem.rsplit_once('-').map_or(stem.as_str(), |(name, _)| name);
    let path = folder.join(format!("{name}-{}.log", std::process::id()));
    let file = OpenOptions::new().create(true).append(true).open(&path);
    Some(Mutex::new(file.unwrap_or_else(|error| panic!("{VARIABLE}: {}: {error}", path.display()))))
}
