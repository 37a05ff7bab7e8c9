//! The loop of a worker: lease, run with a heartbeat, and say how it ended.
//!
//! It wakes when a job is recorded (at once inside the node, by notification
//! from others) and polls only to cover a notification that was lost. Told to
//! stop, it leases nothing more, gives what runs a while to finish, and hands the
//! rest back unharmed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use landfall_catalog::jobs::{Lease, Slots};
use landfall_catalog::{Catalog, Topic};
use landfall_model::{Clock, Error, ErrorKind, Result, limits};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff;
use crate::job::Job;

pub struct Worker {
    catalog: Catalog,
    clock: Clock,
    /// Who leases: this node.
    owner: String,
    jobs: HashMap<&'static str, Arc<dyn Job>>,
    slots: usize,
}

/// What ended a job's run.
enum Ended {
    Done(Result<()>),
    /// Somebody else has the job now.
    LeaseLost,
    /// This node stops.
    Stopped,
}

impl Worker {
    /// A worker that runs up to `slots` jobs at once.
    pub fn new(catalog: Catalog, clock: Clock, owner: String, slots: usize, jobs: Vec<Arc<dyn Job>>) -> Worker {
        let jobs = jobs.into_iter().map(|job| (job.kind(), job)).collect();
        Worker { catalog, clock, owner, jobs, slots }
    }

    /// Works until `stop` is cancelled, and then until what runs has finished or was handed back.
    pub async fn run(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        let slots = Arc::new(Semaphore::new(worker.slots));
        let running = TaskTracker::new();
        // Cancelled after a grace: what still runs then is handed back.
        let hurry = CancellationToken::new();
        let mut wake = worker.catalog.subscribe(Topic::Work);
        while !stop.is_cancelled() {
            wake.mark_unchanged();
            let leased = worker.lease_all(&slots, &running, &hurry).await;
            let pause = match leased {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "no job could be leased");
                    limits::BACKOFF_FIRST
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = wake.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        running.close();
        if tokio::time::timeout(limits::DRAIN_MAX / 2, running.wait()).await.is_err() {
            hurry.cancel();
            running.wait().await;
        }
    }

    /// Leases and starts as many jobs as there are slots; returns how long to wait if nothing wakes the worker.
    async fn lease_all(self: &Arc<Self>, slots: &Arc<Semaphore>, running: &TaskTracker, hurry: &CancellationToken) -> Result<Duration> {
        let free = slots.available_permits();
        if free == 0 {
            // A slot that becomes free wakes the loop through its own topic.
            return Ok(limits::POLL);
        }
        let asked = self.clock.now();
        let leases = self.catalog.lease_into(&self.owner, Slots { free, all: self.slots }).await?;
        let full = leases.len() == free;
        for lease in leases {
            let Ok(slot) = slots.clone().try_acquire_owned() else {
                self.catalog.hand_back(&lease).await?;
                continue;
            };
            let (worker, hurry) = (self.clone(), hurry.clone());
            running.spawn(async move {
                let outcome = worker.attend(&lease, &hurry).await;
                drop(slot);
                worker.catalog.wake(Topic::Work);
                if let Err(error) = outcome {
                    tracing::warn!(%error, job = %lease.job, "how the job ended could not be recorded; its lease will expire");
                }
            });
        }
        if full {
            // Jobs that are ready while all slots are taken are not worth a busy loop.
            return Ok(limits::POLL);
        }
        // What was ready and not leased waits for a slot of its own dataset, whose end wakes the loop; the rest for its time.
        let next = self.catalog.next_job_at(asked).await?;
        let wait =
            next.map_or(limits::POLL, |at| Duration::from_micros(u64::try_from(at.micros() - self.clock.now().micros()).unwrap_or(0)));
        Ok(wait.clamp(Duration::from_millis(1), limits::POLL))
    }

    /// Runs one job to its end and records it.
    async fn attend(&self, lease: &Lease, hurry: &CancellationToken) -> Result<()> {
        let ended = tokio::select! {
            done = self.perform(lease) => Ended::Done(done),
            () = self.keep(lease) => Ended::LeaseLost,
            () = hurry.cancelled() => Ended::Stopped,
        };
        match ended {
            Ended::Done(Ok(())) => Ok(()),
            Ended::Done(Err(why)) if why.kind.is_passing() && lease.attempt < limits::JOB_ATTEMPTS_MAX => {
                tracing::info!(job = %lease.job, attempt = lease.attempt, %why, "the job will be tried again");
                self.catalog.retry_job(lease, backoff::wait(lease.attempt, &self.clock), &why).await.map(drop)
            }
            Ended::Done(Err(why)) => {
                tracing::warn!(job = %lease.job, landing = %lease.landing, dataset = %lease.dataset, code = why.kind.code(), %why, "dead letter");
                self.catalog.bury_job(lease, &why).await.map(drop)
            }
            Ended::LeaseLost => {
                tracing::warn!(job = %lease.job, "the lease was lost; somebody else works on it");
                Ok(())
            }
            Ended::Stopped => self.catalog.hand_back(lease).await.map(drop),
        }
    }

    async fn perform(&self, lease: &Lease) -> Result<()> {
        let Some(job) = self.jobs.get(lease.kind.as_str()) else {
            return Err(Error::new(ErrorKind::Internal, format!("this version knows no job of the kind `{}`", lease.kind)));
        };
        if lease.attempt > limits::JOB_ATTEMPTS_MAX {
            let message = format!("{} attempts ended with their worker dead or standing still", limits::JOB_ATTEMPTS_MAX);
            return Err(Error::new(ErrorKind::BadRecord, message));
        }
        let work = std::panic::AssertUnwindSafe(job.run(lease)).catch_unwind();
        work.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the work panicked; this is a bug, and the log has its place")))
    }

    /// Renews the lease until it is lost.
    async fn keep(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(limits::HEARTBEAT).await;
            match self.catalog.heartbeat(lease).await {
                Ok(true) => {}
                Ok(false) => return,
                // The lease may still hold; whoever rescues it will fence this worker off.
                Err(error) => tracing::warn!(%error, job = %lease.job, "a heartbeat failed"),
            }
        }
    }
}
