//! Watches the service levels: one line in the log when a dataset's objective becomes at risk, and one when it is missed.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_catalog::service::Service;
use landfall_model::{DatasetName, Level, Result, Timestamp, limits};
use tokio::sync::Mutex;

use crate::task::{Status, Task};

/// A dataset that was met for this long is warned of anew: one that is at risk every other second is one line and not many.
const CALM: Duration = Duration::from_secs(60);

pub struct WatchServices {
    catalog: Catalog,
    warned: Mutex<Warned>,
}

impl WatchServices {
    pub fn new(catalog: Catalog) -> WatchServices {
        WatchServices { catalog, warned: Mutex::default() }
    }

    async fn watch(&self) -> Result<Status> {
        let services = self.catalog.services().await?;
        let now = self.catalog.clock().now();
        for (service, level) in self.warned.lock().await.see(&services, now) {
            let (dataset, objective) = (&service.dataset, service.objective);
            let waits = Duration::from_micros(u64::try_from(service.age(now)).unwrap_or(0));
            match level {
                Level::Met => {}
                Level::AtRisk => {
                    tracing::warn!(%dataset, %objective, ?waits, "the service level is at risk: its oldest landing is not processed")
                }
                Level::Late => {
                    tracing::warn!(%dataset, %objective, ?waits, "the service level is missed: its oldest landing is not processed")
                }
            }
        }
        Ok(Status::Idle)
    }
}

impl Task for WatchServices {
    fn name(&self) -> String {
        "service levels".into()
    }

    fn every(&self) -> Duration {
        limits::SLA_WATCH
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(self.watch())
    }
}

/// The worst of which each dataset was warned, and when it was last not met.
#[derive(Default)]
struct Warned(BTreeMap<DatasetName, (Level, Timestamp)>);

impl Warned {
    /// Those that became worse than what was said of them.
    fn see<'a>(&mut self, services: &'a [Service], now: Timestamp) -> Vec<(&'a Service, Level)> {
        self.0.retain(|dataset, (_, last)| last.plus(CALM) > now && services.iter().any(|service| service.dataset == *dataset));
        let mut worse = Vec::new();
        for service in services {
            let level = service.level(now);
            if level == Level::Met {
                continue;
            }
            let (said, last) = self.0.entry(service.dataset.clone()).or_insert((Level::Met, now));
            *last = now;
            if level > *said {
                *said = level;
                worse.push((service, level));
            }
        }
        worse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_warned_of_once_until_it_was_calm() {
        let mut warned = Warned::default();
        let mut see = |oldest: Option<i64>, now: i64| {
            let dataset = "orders".parse().unwrap();
            let services = [Service { dataset, objective: landfall_model::Span::seconds(4), oldest: oldest.map(Timestamp) }];
            warned.see(&services, Timestamp(now)).first().map(|(_, level)| *level)
        };
        let second = 1_000_000;
        assert_eq!(see(Some(0), second), None);
        assert_eq!(see(Some(0), 2 * second), Some(Level::AtRisk));
        assert_eq!(see(Some(0), 3 * second), None);
        assert_eq!(see(Some(0), 5 * second), Some(Level::Late));
        assert_eq!([see(None, 6 * second), see(Some(6 * second), 9 * second)], [None, None], "it was warned of a moment ago");
        assert_eq!([see(None, 70 * second), see(Some(70 * second), 73 * second)], [None, Some(Level::AtRisk)]);
    }
}
