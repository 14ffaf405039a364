//! SIGTERM and SIGINT: the first asks everything to come to its end, the second ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// By convention 128 plus the number of the signal, here SIGINT's.
const KILLED: i32 = 130;

/// A token that the first signal cancels.
pub(super) fn on_signal() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        asked.cancel();
        tracing::info!("stopping; once more to stop at once");
        either(&mut terminate, &mut interrupt).await;
        std::process::exit(KILLED);
    });
    Ok(stop)
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! { _ = one.recv() => {}, _ = other.recv() => {} }
}
