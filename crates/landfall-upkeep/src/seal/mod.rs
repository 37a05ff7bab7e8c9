//! Sealing: bodies leave the catalog for large objects of one dataset that
//! expire as one. What is written is registered first and named last, so that a
//! seal that is cut off leaves only paths for the sweep.

mod events;
mod files;
mod object;

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{Result, Timestamp, limits};
use landfall_store::Store;

use crate::task::{Status, Task};

/// Seals for all datasets.
pub struct Seal {
    pub catalog: Catalog,
    pub store: Store,
    pub definitions: Definitions,
}

impl Seal {
    async fn run(&self) -> Result<Status> {
        let mut did = false;
        for (name, record) in self.definitions.all().iter() {
            did |= self.events(name, record.definition.granularity()).await?;
            did |= self.files(name, record.definition.granularity()).await?;
        }
        Ok(if did { Status::More } else { Status::Idle })
    }

    /// From when on nobody reads an object any more that is left now.
    fn unread_from(&self) -> Timestamp {
        self.catalog.clock().now().plus(limits::QUERY_TIMEOUT + Duration::from_secs(60))
    }
}

impl Task for Seal {
    fn name(&self) -> String {
        "seal".into()
    }

    fn every(&self) -> Duration {
        limits::SEAL_AFTER / 4
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(self.run())
    }
}
