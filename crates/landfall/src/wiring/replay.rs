//! The replayer of one table as a standing task.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::Topic;
use landfall_model::{Result, limits};
use landfall_tables::load::{Replayed, Replayer};
use landfall_upkeep::{Status, Task};

pub struct Replay(pub Replayer);

impl Task for Replay {
    fn name(&self) -> String {
        format!("replay {}", self.0.dataset())
    }

    fn every(&self) -> Duration {
        limits::KEEP_EVERY
    }

    fn wakes_on(&self) -> &'static [Topic] {
        &[Topic::Staged]
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(async {
            Ok(match self.0.run_once().await? {
                Replayed::Idle => Status::Idle,
                Replayed::More => Status::More,
                Replayed::Waits => Status::Again(Duration::from_secs(1)),
            })
        })
    }
}
