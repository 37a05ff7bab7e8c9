//! Retention: landings are ended, their rows leave with one load, and then the
//! catalog forgets them.

use landfall_catalog::datasets::DatasetRecord;
use landfall_catalog::sinks::SinkLease;
use landfall_model::{LoadId, Result, Timestamp, crash, partition};

use super::Keeper;

/// Landings that one transaction ends or forgets, so that it never holds up those that land for long.
const AT_ONCE: usize = 500;

impl Keeper {
    pub(super) async fn expire(&self, record: &DatasetRecord) -> Result<bool> {
        let catalog = self.committer.catalog();
        let mut did = false;
        if let Some(retention) = record.definition.retention {
            let cutoff = partition::cutoff(retention, self.now());
            if catalog.expiry_waits(self.dataset(), cutoff).await? {
                did |= self.take_out(cutoff).await?;
            }
        }
        let mut purged = 0;
        loop {
            let found = catalog.purge(self.dataset(), AT_ONCE).await?;
            if found == 0 {
                break;
            }
            purged += found;
            crash::point("purge.slice");
        }
        Ok(did || purged > 0)
    }

    /// Ends what was received before `cutoff`, and takes it out of the table.
    async fn take_out(&self, cutoff: Timestamp) -> Result<bool> {
        let catalog = self.committer.catalog();
        while catalog.expire_landings(self.dataset(), cutoff, AT_ONCE).await? > 0 {
            crash::point("expire.ended");
        }
        let taken = self.committer.under_lease(|lease| async move { self.load_expiry(&lease, cutoff).await }).await?;
        Ok(taken.unwrap_or(false))
    }

    async fn load_expiry(&self, lease: &SinkLease, cutoff: Timestamp) -> Result<bool> {
        let catalog = self.committer.catalog();
        if let Some(open) = self.committer.settle(lease).await? {
            self.committer.take_in(lease, &open).await?;
            return Ok(true);
        }
        self.unshare_held(cutoff).await?;
        let Some(load) = catalog.number_expiry(lease, LoadId::new(catalog.clock()), cutoff).await? else { return Ok(false) };
        self.committer.take_in(lease, &load).await?;
        tracing::info!(dataset = %self.dataset(), %cutoff, load = load.number, "what was received before the cutoff has left the table");
        Ok(true)
    }
}
