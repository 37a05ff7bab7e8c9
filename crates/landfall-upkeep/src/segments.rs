//! Deletes segments: those that nobody appends to and no landing has bytes in.
//! Whoever appends, or has appended what a commit under way will name, holds the
//! segment's lock; so once it is ours, the catalog knows all that is in it.

use std::time::Duration;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_model::{Result, limits};
use landfall_store::{Store, keys};

use crate::task::{Status, Task};

pub struct SweepSegments {
    pub catalog: Catalog,
    pub store: Store,
}

impl SweepSegments {
    async fn sweep(&self) -> Result<Status> {
        let segments: Vec<_> = self.store.list(keys::SEGMENTS).try_collect().await?;
        for segment in segments {
            if self.catalog.segment_is_used(&segment.key).await? {
                continue;
            }
            let Some(_locked) = self.store.lock_segment(&segment.key).await? else { continue };
            if !self.catalog.segment_is_used(&segment.key).await? {
                self.store.delete(&segment.key).await?;
            }
        }
        Ok(Status::Idle)
    }
}

impl Task for SweepSegments {
    fn name(&self) -> String {
        "segments".into()
    }

    fn every(&self) -> Duration {
        limits::SWEEP_EVERY
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(self.sweep())
    }
}
