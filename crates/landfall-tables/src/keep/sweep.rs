//! The sweep: every path that is kept is compared with what names it. What
//! nothing names is marked, under the lease, so that nobody can be about to name
//! it; its object is deleted later, when nobody can be reading it.

use landfall_catalog::paths::KeptPath;
use landfall_catalog::sinks::SinkLease;
use landfall_model::{Granularity, Result, Timestamp, crash, limits};

use super::{Keeper, READ_MAX};
use crate::delta::State;

/// Paths of one look.
const PAGE: usize = 1000;

impl Keeper {
    pub(super) async fn sweep(&self) -> Result<bool> {
        let catalog = self.committer.catalog();
        let finished = self.finish_purges().await?;
        let unswept = catalog.purges_unswept(self.dataset()).await?;
        let followed = catalog.follow_unswept(self.dataset()).await?;
        let now = self.now();
        let since = now.micros() - self.swept.lock().micros();
        if !unswept && followed.is_none() && since < micros(limits::SWEEP_EVERY) {
            return Ok(finished);
        }
        let swept = self.committer.under_lease(|lease| async move { self.look(&lease).await }).await?;
        if swept.is_some() {
            catalog.purges_swept(self.dataset(), now).await?;
            if let Some(version) = followed {
                // Every path was marked by now, and nobody reads one for longer than from now on.
                catalog.follow_swept(self.dataset(), version, self.now()).await?;
            }
            *self.swept.lock() = now;
        }
        Ok(finished)
    }

    /// What is deleted lives on in the catalog's file until that is scrubbed, whoever has deleted it: so that comes right before
    /// a report says that nothing is left.
    async fn finish_purges(&self) -> Result<bool> {
        let (catalog, before) = (self.committer.catalog(), self.now().plus_micros(-micros(READ_MAX)));
        if !catalog.purges_left(self.dataset(), before).await? || !catalog.scrub().await? {
            return Ok(false);
        }
        crash::point("purge.scrubbed");
        catalog.finish_purges(self.dataset(), before).await?;
        Ok(true)
    }

    async fn look(&self, lease: &SinkLease) -> Result<()> {
        let catalog = self.committer.catalog();
        let state = self.committer.table().refresh().await?;
        let purged_to = catalog.kept_log(self.dataset()).await?.purged_to;
        let mut after = String::new();
        loop {
            let page = catalog.kept_paths(self.dataset(), &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.path.clone();
            let unnamed: Vec<_> = page.iter().filter(|kept| !self.is_named(kept, &state)).collect();
            if !unnamed.is_empty() {
                let until = unnamed.iter().map(|kept| (kept.path.clone(), self.until(&kept.path, purged_to))).collect();
                catalog.drop_paths(lease, until).await?;
            }
        }
    }

    fn is_named(&self, kept: &KeptPath, state: &State) -> bool {
        let table = self.committer.table();
        let in_table = kept.path.strip_prefix(table.root()).and_then(|path| path.strip_prefix('/'));
        match in_table {
            Some(path) => kept.pending || state.files.contains_key(path),
            // What an upload has brought is named by the upload, and marked with it.
            None => kept.pending || kept.named || !["rejects/", "sealed/", "archive/"].iter().any(|part| kept.path.starts_with(part)),
        }
    }

    /// Who reads the table by another program may take longer than our own queries; but what was purged must go.
    fn until(&self, path: &str, purged_to: Timestamp) -> Timestamp {
        let partition = path.split_once("_partition=").and_then(|(_, rest)| rest.split('/').next());
        let purged = partition.is_none_or(|partition| partition <= Granularity::Minute.partition(purged_to).as_str());
        if purged { self.unread_from() } else { self.now().plus(limits::OLD_FILES_KEPT.max(READ_MAX)) }
    }
}

fn micros(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
