//! The events that a load takes: a range above the watermark, staged by the
//! committer itself once enough of them have gathered.

use std::time::Duration;

use landfall_catalog::Catalog;
use landfall_catalog::events::WaitingBatch;
use landfall_catalog::manifests::Recorded;
use landfall_catalog::sinks::SinkLease;
use landfall_model::{DatasetName, Error, ErrorKind, Region, Result, Span, Timestamp, crash, limits};
use parking_lot::Mutex;

use crate::stage::Staging;

pub struct EventRange {
    catalog: Catalog,
    staging: Staging,
    dataset: DatasetName,
    /// When this node first saw events above the watermark that no load had taken.
    since: Mutex<Option<Timestamp>>,
}

/// A quarter of the objective where there is one, so that staging and loading have the rest of it.
fn linger(objective: Option<Span>) -> Duration {
    let quarter = objective.map(|objective| objective.duration() / 4);
    quarter.map_or(limits::LOAD_LINGER, |quarter| quarter.clamp(limits::LOAD_LINGER_MIN, limits::LOAD_LINGER))
}

impl EventRange {
    pub fn new(catalog: Catalog, staging: Staging, dataset: DatasetName) -> EventRange {
        EventRange { catalog, staging, dataset, since: Mutex::new(None) }
    }

    pub fn staging(&self) -> &Staging {
        &self.staging
    }

    /// How long events gather at the most.
    pub fn linger(&self) -> Duration {
        linger(self.staging.objective(&self.dataset))
    }

    /// Since when they gather, where that is known better than by when this node saw them: an objective counts from their arrival.
    async fn arrived(&self) -> Result<Option<Timestamp>> {
        match self.staging.objective(&self.dataset) {
            Some(_) => self.catalog.oldest_event(&self.dataset).await,
            None => Ok(None),
        }
    }

    /// How long the events that wait shall still gather: zero if they are due, `None` if none wait.
    pub async fn gathering(&self) -> Result<Option<Duration>> {
        let waiting = self.catalog.waiting_events(&self.dataset).await?;
        if waiting.events == 0 {
            *self.since.lock() = None;
            return Ok(None);
        }
        let arrived = self.arrived().await?;
        let now = self.catalog.clock().now();
        let mut since = self.since.lock();
        // A clock that was set back must not hold them up.
        let seen = since.unwrap_or(now).min(now);
        *since = Some(seen);
        let began = arrived.map_or(seen, |arrived| arrived.min(seen));
        if waiting.bytes >= limits::LOAD_EVENT_BYTES {
            return Ok(Some(Duration::ZERO));
        }
        let waited = Duration::from_micros(u64::try_from(now.micros() - began.micros()).unwrap_or(0));
        Ok(Some(self.linger().saturating_sub(waited)))
    }

    /// Stages the next events of each region and records the manifests.
    pub async fn stage(&self, lease: &SinkLease) -> Result<()> {
        *self.since.lock() = None;
        let marks = self.catalog.staged_watermarks(&self.dataset).await?;
        for (region, last) in self.catalog.regions(&self.dataset).await? {
            let mark = marks.iter().find(|(known, _)| *known == region).map_or(0, |(_, seq)| *seq);
            let mut mark = mark;
            while mark < last {
                match self.stage_region(lease, &region, mark).await? {
                    Some(staged) => mark = staged,
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Stages events above `mark`, of one partition, so that they leave together when their time is over; returns the
    /// number of the last. `None`: there is nothing more, or enough for one load.
    async fn stage_region(&self, lease: &SinkLease, region: &Region, mark: i64) -> Result<Option<i64>> {
        let granularity = self.staging.granularity(&self.dataset)?;
        let mut batches: Vec<WaitingBatch> = Vec::new();
        let mut bytes = 0;
        let mut high = mark;
        while bytes < limits::LOAD_EVENT_BYTES {
            let mut page = self.catalog.events_above(&self.dataset, region, high, limits::LOAD_EVENT_BYTES - bytes).await?;
            let Some(first) = batches.first().or(page.first()) else { break };
            let partition = granularity.partition(first.landing.received_at);
            let whole = page.len();
            page.truncate(page.iter().take_while(|batch| granularity.partition(batch.landing.received_at) == partition).count());
            let cut = page.len() < whole;
            high = page.last().map_or(high, |batch| batch.landing.last_seq());
            bytes += page.iter().map(|batch| batch.landing.size).sum::<i64>();
            let none = page.is_empty();
            batches.extend(page);
            if cut || none || batches.len() >= limits::LOAD_BATCHES_MAX {
                break;
            }
        }
        if batches.is_empty() {
            return Ok(None);
        }
        crash::point("load.before_staging");
        let staged = self.staging.stage_range(&self.dataset, region, mark + 1, batches).await?;
        crash::point("load.staged");
        match self.catalog.record_range(lease, &staged.manifest, staged.dead).await? {
            Recorded::Yes => Ok((bytes < limits::LOAD_EVENT_BYTES).then_some(high)),
            Recorded::Superseded | Recorded::LeaseLost => {
                self.staging.discard(&staged.manifest).await?;
                Err(Error::new(ErrorKind::Stale, format!("the lease on the table of `{}` was lost", self.dataset)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_gather_a_quarter_of_their_objective_within_bounds() {
        let of = |objective: Option<&str>| linger(objective.map(|text| text.parse().unwrap()));
        assert_eq!(of(None), limits::LOAD_LINGER);
        assert_eq!(of(Some("4s")), Duration::from_secs(1));
        assert_eq!([of(Some("1h")), of(Some("1ms"))], [limits::LOAD_LINGER, limits::LOAD_LINGER_MIN]);
    }
}
