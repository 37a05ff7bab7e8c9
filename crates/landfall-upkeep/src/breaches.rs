//! Breaches of service levels are forgotten beyond the newest of each dataset; the counter has counted all of them.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_model::{Result, limits};

use crate::task::{Status, Task};

pub struct TrimBreaches(pub Catalog);

impl TrimBreaches {
    async fn trim(&self) -> Result<Status> {
        let mut trimmed = 0;
        for record in self.0.datasets().await? {
            trimmed += self.0.trim_breaches(&record.definition.name, limits::SLA_BREACHES_KEPT).await?;
        }
        Ok(if trimmed > 0 { Status::More } else { Status::Idle })
    }
}

impl Task for TrimBreaches {
    fn name(&self) -> String {
        "trim breaches".into()
    }

    fn every(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(self.trim())
    }
}
