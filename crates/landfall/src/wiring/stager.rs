//! Staging, as the worker asks for it.

use futures::future::BoxFuture;
use landfall_model::{Landing, Manifest, Result};
use landfall_tables::stage::Staging;
use landfall_worker::Stager;

pub struct TableStager(pub Staging);

impl Stager for TableStager {
    fn stage<'a>(&'a self, landing: &'a Landing) -> BoxFuture<'a, Result<Manifest>> {
        Box::pin(self.0.stage_landing(landing))
    }

    fn discard<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.discard(manifest))
    }
}
