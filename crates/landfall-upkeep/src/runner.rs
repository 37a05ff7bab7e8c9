//! Runs each task in a loop of its own: at its time, or when something wakes
//! it; after an error with a growing pause. One task's trouble is not another's.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::select_all;
use landfall_catalog::Catalog;
use landfall_model::{Error, ErrorKind, Result, limits};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::task::{Status, Task};

pub struct Runner {
    catalog: Catalog,
    stop: CancellationToken,
    runtime: Handle,
    running: TaskTracker,
}

impl Runner {
    /// Tasks run on `runtime`.
    pub fn new(catalog: Catalog, stop: CancellationToken, runtime: Handle) -> Runner {
        Runner { catalog, stop, runtime, running: TaskTracker::new() }
    }

    /// Starts a task.
    pub fn spawn(&self, task: Arc<dyn Task>) {
        let (catalog, stop) = (self.catalog.clone(), self.stop.clone());
        self.running.spawn_on(async move { stand(&*task, &catalog, &stop).await }, &self.runtime);
    }

    /// Waits until every task has come to its end after `stop`.
    pub async fn finish(&self) {
        self.running.close();
        self.running.wait().await;
    }
}

async fn stand(task: &dyn Task, catalog: &Catalog, stop: &CancellationToken) {
    let mut wakes = task.wakes_on().iter().map(|topic| catalog.subscribe(*topic)).collect::<Vec<_>>();
    let mut failures = 0;
    while !stop.is_cancelled() {
        for wake in &mut wakes {
            wake.mark_unchanged();
        }
        let pause = match run_guarded(task).await {
            Ok(Status::More) => {
                failures = 0;
                continue;
            }
            Ok(Status::Again(pause)) => {
                failures = 0;
                pause
            }
            Ok(Status::Idle) => {
                failures = 0;
                task.every()
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(task = task.name(), %error, failures, "a task failed and will run again");
                limits::BACKOFF_FIRST.saturating_mul(1 << failures.min(8)).min(limits::BACKOFF_MAX / 10)
            }
        };
        // After a failure only time helps: what woke it before would wake it again.
        let heard = if failures == 0 { &mut wakes[..] } else { &mut [] };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = woken(heard) => {}
        }
    }
    let _ = tokio::time::timeout(Duration::from_secs(5), task.stop()).await;
}

/// Ready when one of them wakes; never, if there is none.
async fn woken(wakes: &mut [watch::Receiver<u64>]) {
    if wakes.is_empty() {
        return std::future::pending().await;
    }
    let _ = select_all(wakes.iter_mut().map(|wake| wake.changed().boxed())).await;
}

async fn run_guarded(task: &dyn Task) -> Result<Status> {
    let run = std::panic::AssertUnwindSafe(task.run_once()).catch_unwind();
    run.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the task panicked; this is a bug, and the log has its place")))
}
