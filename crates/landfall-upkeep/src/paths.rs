//! Deletes the objects that nothing names any more, once nobody can be reading
//! them; and takes what was begun long ago and never recorded for left behind.

use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_model::{Result, crash, limits};
use landfall_store::Store;

use crate::task::{Status, Task};

const AT_ONCE: usize = 500;

pub struct SweepPaths {
    pub catalog: Catalog,
    pub store: Store,
}

impl SweepPaths {
    async fn sweep(&self) -> Result<Status> {
        let age = i64::try_from(limits::UNRECORDED_AGE_MAX.as_micros()).unwrap_or(i64::MAX);
        let left = self.catalog.drop_unrecorded(self.catalog.clock().now().plus_micros(-age), AT_ONCE).await?;
        if left > 0 {
            tracing::info!(left, "paths that were begun and never recorded are swept");
        }
        let gone = self.catalog.gone_paths(AT_ONCE).await?;
        for path in &gone {
            self.delete(path).await?;
        }
        crash::point("sweep.deleted");
        let more = gone.len() == AT_ONCE;
        if !gone.is_empty() {
            self.catalog.forget_paths(gone).await?;
        }
        Ok(if more { Status::More } else { Status::Idle })
    }
}

impl SweepPaths {
    /// A path that ends in `/` is a folder: all of it goes, whatever its table's log named.
    async fn delete(&self, path: &str) -> Result<()> {
        let Some(folder) = path.strip_suffix('/') else { return self.store.delete(path).await };
        let mut objects = self.store.list(folder);
        while let Some(object) = objects.next().await {
            self.store.delete(&object?.key).await?;
            crash::point("sweep.folder");
        }
        Ok(())
    }
}

impl Task for SweepPaths {
    fn name(&self) -> String {
        "paths".into()
    }

    fn every(&self) -> Duration {
        limits::KEEP_EVERY
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(self.sweep())
    }
}
