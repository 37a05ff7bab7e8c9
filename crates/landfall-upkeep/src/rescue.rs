//! Rescue: jobs whose worker died or stands still become ready again.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_model::{Result, limits};

use crate::task::{Status, Task};

pub struct RescueJobs(pub Catalog);

impl Task for RescueJobs {
    fn name(&self) -> String {
        "rescue".into()
    }

    fn every(&self) -> Duration {
        limits::LEASE / 6
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(async {
            let rescued = self.0.rescue_jobs().await?;
            if rescued > 0 {
                tracing::warn!(rescued, "jobs whose lease had expired are ready again");
            }
            Ok(Status::Idle)
        })
    }
}
