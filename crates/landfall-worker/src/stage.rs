//! The job `stage`: a landing is decoded, transformed and written to data
//! files, and its manifest recorded. It holds no lease on the table.

use std::sync::Arc;

use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_catalog::jobs::Lease;
use landfall_catalog::manifests::Recorded;
use landfall_model::{Error, ErrorKind, Landing, LandingState, Manifest, Result, crash};

use crate::job::Job;

/// Who can stage: the room of the tables, handed over by the wiring.
pub trait Stager: Send + Sync {
    /// Writes the landing's data files and rejects, all registered before they are written.
    fn stage<'a>(&'a self, landing: &'a Landing) -> BoxFuture<'a, Result<Manifest>>;

    /// Deletes what a manifest names that nobody recorded.
    fn discard<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<()>>;
}

pub struct StageJob {
    catalog: Catalog,
    stager: Arc<dyn Stager>,
}

impl StageJob {
    pub fn new(catalog: Catalog, stager: Arc<dyn Stager>) -> StageJob {
        StageJob { catalog, stager }
    }

    async fn stage(&self, lease: &Lease) -> Result<()> {
        let landing = self.catalog.landing(&lease.landing).await?;
        let landing = landing.ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("{} names a landing that is not there", lease.job)))?;
        if landing.state != LandingState::Live {
            // Its end has ended this job already; the lease was taken a moment before.
            return Ok(());
        }
        crash::point("stage.before");
        let manifest = self.stager.stage(&landing).await?;
        crash::point("stage.written");
        let recorded = self.catalog.record_landing(lease, &manifest).await?;
        crash::point("stage.recorded");
        if recorded != Recorded::Yes {
            self.stager.discard(&manifest).await?;
        }
        Ok(())
    }
}

impl Job for StageJob {
    fn kind(&self) -> &'static str {
        "stage"
    }

    fn run<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.stage(lease))
    }
}
