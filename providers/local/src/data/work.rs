//! How long work is run: cancelled when the user says so, told to the screen, off the async workers.

use std::{future::Future, time::Instant};

use jiff::Timestamp;
use loam_bundle::progress::{Phase, Progress, Report};
use loam_provider::{CallCx, ProviderError, Trouble};

/// Runs work until it ends, is cancelled or runs out of time; dropping it ends its threads.
pub(crate) async fn until_cancelled<T>(
    cx: &CallCx,
    work: impl Future<Output = Result<T, ProviderError>> + Send,
) -> Result<T, ProviderError> {
    let out_of_time = async {
        match cx.deadline {
            Some(deadline) => tokio::time::sleep(deadline.saturating_duration_since(Instant::now())).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        done = work => done,
        () = cx.cancel.cancelled() => Err(ProviderError::cancelled()),
        () = out_of_time => Err(ProviderError::new(Trouble::TimedOut, "the work took longer than allowed")
            .hint("Raise the time in the block's `timeouts`.")),
    }
}

/// Runs work that blocks on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ProviderError> + Send + 'static,
) -> Result<T, ProviderError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(ProviderError::because("a thread that worked with files died", error)),
    }
}

/// Returns a report that tells the user how far the work is.
pub(crate) fn report(cx: &CallCx) -> Report {
    let sender = cx.progress.clone();
    Report::new(move |Progress { phase, done, total }| {
        let phase = match phase {
            Phase::Hash => "reading",
            Phase::Pack => "packing",
            Phase::Verify => "verifying",
            Phase::Extract => "extracting",
            Phase::Copy => "copying",
        };
        sender.bytes(phase, done, total);
    })
}

/// Returns the time of the run.
pub(crate) fn now(cx: &CallCx) -> Result<Timestamp, ProviderError> {
    Timestamp::try_from(cx.now).map_err(|error| ProviderError::because("the clock is out of range", error))
}

/// Removes what dead runs left beside a directory that is built beside.
pub(crate) async fn tidy(path: &std::path::Path) -> Result<(), ProviderError> {
    let tidied = loam_bundle::extract::tidy(path).await;
    tidied.map_err(|error| ProviderError::because(format!("failed to tidy up beside `{}`", path.display()), error))
}
