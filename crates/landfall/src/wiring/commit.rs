//! The committer of one table as a standing task.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::Topic;
use landfall_model::Result;
use landfall_tables::load::{Committer, Step};
use landfall_upkeep::{Status, Task};

pub struct Commit(pub Arc<Committer>);

impl Task for Commit {
    fn name(&self) -> String {
        format!("commit {}", self.0.dataset())
    }

    /// Events gather as long as this, so looking for them more often would find nothing that is due.
    fn every(&self) -> Duration {
        self.0.linger()
    }

    fn wakes_on(&self) -> &'static [Topic] {
        &[Topic::Staged]
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(async {
            Ok(match self.0.run_once().await? {
                Step::Idle => Status::Idle,
                Step::Loaded => Status::More,
                Step::Gathering(pause) => Status::Again(pause.max(Duration::from_millis(10))),
            })
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Err(error) = self.0.release().await {
                tracing::warn!(%error, dataset = %self.0.dataset(), "the lease on the table could not be given back; it will expire");
            }
        })
    }
}
