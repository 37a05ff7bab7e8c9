//! The keeper of one table as a standing task.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_model::{Result, limits};
use landfall_tables::keep::Keeper;
use landfall_upkeep::{Status, Task};

pub struct Keep(pub Keeper);

impl Task for Keep {
    fn name(&self) -> String {
        format!("keep {}", self.0.dataset())
    }

    fn every(&self) -> Duration {
        limits::KEEP_EVERY
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(async { Ok(if self.0.run_once().await? { Status::More } else { Status::Idle }) })
    }
}
