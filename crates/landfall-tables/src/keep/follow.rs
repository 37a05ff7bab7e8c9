//! A side table follows its dataset: what an expiry took out there leaves here
//! too, by a load of its own with the same cutoff and the same held. It has no
//! landings, so nothing is ended or forgotten.

use landfall_catalog::follows::Due;
use landfall_catalog::sinks::SinkLease;
use landfall_model::{LoadId, Result, crash};

use super::Keeper;
use crate::delta::Leaving;

impl Keeper {
    pub(super) async fn follow(&self) -> Result<bool> {
        let Some(due) = self.committer.catalog().follow_due(self.dataset()).await? else { return Ok(false) };
        let taken = self.committer.under_lease(|lease| async move { self.take(&lease, &due).await }).await?;
        Ok(taken.unwrap_or(false))
    }

    async fn take(&self, lease: &SinkLease, due: &Due) -> Result<bool> {
        let catalog = self.committer.catalog();
        if let Some(open) = self.committer.settle(lease).await? {
            self.committer.take_in(lease, &open).await?;
            return Ok(true);
        }
        let state = self.committer.table().refresh().await?;
        if Leaving::new(&[], Some(due.expiry.clone())).files(&state).is_empty() {
            catalog.followed(lease, due).await?;
            crash::point("follow.noted");
            return Ok(true);
        }
        let Some(load) = catalog.number_follow(lease, LoadId::new(catalog.clock()), due).await? else { return Ok(false) };
        self.committer.take_in(lease, &load).await?;
        let cutoff = due.expiry.cutoff;
        tracing::info!(dataset = %self.dataset(), %cutoff, load = load.number, "what left the dataset's table has left its side table");
        Ok(true)
    }
}
