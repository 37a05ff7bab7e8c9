//! Compaction: small files of one partition become one. The new file is written
//! beside the loads that go on meanwhile; only the commit is done as the
//! committer, and it is given up if one of the old files has left by then.

use landfall_catalog::sinks::SinkLease;
use landfall_model::{ErrorKind, Granularity, Result, crash};

use super::{Keeper, small};
use crate::delta::{Intent, Leaving, Rewrite};
use crate::stage::Rewritten;

impl Keeper {
    pub(super) async fn compact(&self) -> Result<bool> {
        let state = self.committer.table().refresh().await?;
        let now = self.now();
        // A partition of any kind that holds this moment, or the hour before it, may still get files.
        let open = |at| Granularity::ALL.map(|granularity| granularity.partition(at));
        let recent = [open(now), open(now.plus_micros(-Granularity::Hour.length()))].concat();
        let small = small::choose(&state, |partition| !recent.iter().any(|open| open == partition));
        if small.is_empty() {
            return Ok(false);
        }
        let remove: Vec<String> = small.iter().map(|file| file.data.path.clone()).collect();
        let schema = std::sync::Arc::clone(&state.schema);
        let rewritten = {
            let _core = self.committer.staging().spare_core().await?;
            self.committer.staging().rewrite(&self.committer.target(), small, Leaving::default(), schema).await?
        };
        crash::point("compact.written");
        let committed = self.committer.under_lease(|lease| async move { self.replace(&lease, remove, rewritten).await }).await?;
        Ok(committed.unwrap_or(false))
    }

    async fn replace(&self, lease: &SinkLease, remove: Vec<String>, rewritten: Rewritten) -> Result<bool> {
        self.committer.catalog().claim_paths(lease, &rewritten.id, rewritten.files.len()).await?;
        crash::point("compact.claimed");
        let intent = Intent::Rewrite(Rewrite { epoch: lease.epoch, add: rewritten.files, remove });
        match self.committer.table().commit(&intent).await {
            Ok(_) => Ok(true),
            // Rows left one of the files while they were read: the sweep takes the new ones, and another look finds what to do.
            Err(error) if error.kind == ErrorKind::Stale => {
                tracing::debug!(dataset = %self.dataset(), %error, "a compaction came too late");
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }
}
