//! Keeps the memory of the metrics flat, as a standing task.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_model::Result;
use landfall_server::Scrape;
use landfall_upkeep::{Status, Task};

pub struct SettleMetrics(pub Scrape);

impl Task for SettleMetrics {
    fn name(&self) -> String {
        "metrics".into()
    }

    /// As often as the exporter's own server would: a busy node makes some megabytes of observations in that time.
    fn every(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        self.0.settle();
        Box::pin(std::future::ready(Ok(Status::Idle)))
    }
}
