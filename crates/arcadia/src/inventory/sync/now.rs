//! A sync at once, for somebody who waits for it.

use super::super::runs::{Run, Tally};
use super::Synced;
use super::walk::{Hand, Stop, sync};
use crate::cloud::Cloud;

/// What a sync that was waited for did.
#[derive(Debug, Clone)]
pub struct Done {
    pub run: Run,
    pub tally: Tally,
}

/// Hears how far a sync has come, after each page.
pub type Progress<'a> = &'a (dyn Fn(&Tally) + Send + Sync);

/// Runs the sync of that name in this process; nothing for an unknown name.
///
/// # Errors
/// What kept it from being complete; its run says so too.
pub async fn run_now(
    cloud: &Cloud,
    name: &str,
    actor: &str,
    progress: Progress<'_>,
) -> Result<Option<Done>, Stop> {
    let hand = || Hand::Person { cloud, actor };
    macro_rules! dispatch {
        ($($sync:ty),*) => {
            $(if name == <$sync as Synced>::NAME {
                let (run, tally) = sync::<$sync>(hand(), progress).await?;
                return Ok(Some(Done { run, tally }));
            })*
        };
    }
    crate::every_sync!(dispatch);
    Ok(None)
}
