//! Everything that this whole test program logs, at every level and from every crate, kept for a search.

use std::io;
use std::sync::{Mutex, Once};

use arcadia_test_record::Record;
use tracing_subscriber::fmt::MakeWriter;

static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Keeper;

/// Keeps what is logged from now on. For the whole process: what one thread's tests alone listen to, another thread's may
/// have switched off before.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(Keeper)
            .with_max_level(tracing::Level::TRACE);
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    });
}

pub(crate) fn text() -> String {
    String::from_utf8_lossy(&KEPT.lock().unwrap()).into_owned()
}

impl io::Write for Keeper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        KEPT.lock().unwrap().extend_from_slice(bytes);
        Record.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Keeper {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Keeper
    }
}
