//! The seam between the loop and the tasks.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::Topic;
use landfall_model::Result;

/// What one run of a task came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There was nothing to do: sleep until woken, or until its time.
    Idle,
    /// It did something, and there may be more: run again at once.
    More,
    /// There will be something to do in a while.
    Again(Duration),
}

/// A standing task.
pub trait Task: Send + Sync {
    fn name(&self) -> String;

    /// How often it runs when nothing wakes it.
    fn every(&self) -> Duration;

    /// What wakes it before its time.
    fn wakes_on(&self) -> &'static [Topic] {
        &[]
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>>;

    /// Called when the node stops, between two runs: give back what would make others wait.
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
