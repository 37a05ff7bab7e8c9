//! Uploads that nobody continues are swept: their parts first, then the row
//! that names them, so that no part is ever left without a name.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_model::{Clock, Result, limits};
use landfall_store::Store;

use crate::task::{Status, Task};

const AT_ONCE: usize = 100;

pub struct SweepUploads {
    pub catalog: Catalog,
    pub store: Store,
    pub clock: Clock,
}

impl SweepUploads {
    async fn sweep(&self) -> Result<Status> {
        let age = i64::try_from(limits::UPLOAD_AGE_MAX.as_micros()).unwrap_or(i64::MAX);
        let stale = self.catalog.stale_uploads(self.clock.now().plus_micros(-age), AT_ONCE).await?;
        for upload in &stale {
            for part in self.catalog.upload_parts(&upload.id).await? {
                self.store.delete(&part.object).await?;
            }
            self.catalog.delete_upload(&upload.id).await?;
        }
        Ok(if stale.len() < AT_ONCE { Status::Idle } else { Status::More })
    }
}

impl Task for SweepUploads {
    fn name(&self) -> String {
        "uploads".into()
    }

    fn every(&self) -> Duration {
        Duration::from_secs(600)
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(self.sweep())
    }
}
