//! Stages: what landed becomes data files and rejects in the store, named by a
//! manifest. It needs no lease on the table, may be dropped at any await, and
//! leaves nothing behind when it fails: what it writes is registered first and
//! deleted last.
//!
//! A file goes through threads that hand batches on: decoding, then the
//! transform if there is one, then encoding. Few batches wait between them, so
//! that memory does not grow with the file.

mod columns;
mod encoding;
mod file;
mod file_stats;
mod object_reader;
mod outputs;
mod piece;
mod range;
mod rejects;
mod rewrite;
mod spare;
mod system;
mod target;
pub mod transform;
mod upload;
mod writer;

pub use rewrite::Rewritten;
pub use target::Target;
pub use transform::Transform;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use landfall_catalog::datasets::DatasetRecord;
use landfall_catalog::landings::Body;
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{
    BodyPlace, Clock, Column, DatasetName, Error, ErrorKind, Granularity, Kind, Landing, LandingId, Manifest, ManifestId, Result, Span,
};
use landfall_store::Store;
use tokio::sync::SemaphorePermit;

use crate::events::Recipe;
use outputs::Outputs;
use spare::Spare;

/// Stages for any dataset. Cloning shares it.
#[derive(Clone)]
pub struct Staging(Arc<Inner>);

struct Inner {
    catalog: Catalog,
    store: Store,
    definitions: Definitions,
    clock: Clock,
    spare: Spare,
}

/// A range of events, staged.
#[derive(Debug)]
pub struct Staged {
    pub manifest: Manifest,
    /// Landings of the range that fail every time, and why. The manifest's `except` names them.
    pub dead: Vec<(LandingId, Error)>,
}

impl Staging {
    pub fn new(catalog: Catalog, store: Store, definitions: Definitions, clock: Clock) -> Staging {
        Staging(Arc::new(Inner { catalog, store, definitions, clock, spare: Spare::default() }))
    }

    /// A file, or one batch that is tried again for itself. Errors that are not passing are about its bytes.
    pub fn stage_landing<'a>(&'a self, landing: &'a Landing) -> BoxFuture<'a, Result<Manifest>> {
        Box::pin(async { self.stage_landing_for(landing, &Target::own(&landing.dataset)).await })
    }

    /// The same for the table `target`, with the definition of the landing's dataset.
    pub fn stage_landing_for<'a>(&'a self, landing: &'a Landing, target: &'a Target) -> BoxFuture<'a, Result<Manifest>> {
        match landing.kind {
            Kind::File => Box::pin(self.stage_file(landing, target)),
            Kind::Batch => Box::pin(self.stage_batch(landing, target)),
        }
    }

    /// Deletes what a manifest names that nobody recorded.
    pub async fn discard(&self, manifest: &Manifest) -> Result<()> {
        self.discard_from(&Target::own(&manifest.dataset), manifest).await
    }

    /// The same where it was staged for `target`.
    pub async fn discard_from(&self, target: &Target, manifest: &Manifest) -> Result<()> {
        let root = &target.root;
        let files = manifest.files.iter().map(|file| format!("{root}/{}", file.path));
        for key in files.chain(manifest.rejects.clone()) {
            self.0.store.delete(&key).await?;
        }
        Ok(())
    }

    /// The own columns of the dataset's table as they are decided now; all that was ever staged has no others.
    pub async fn table_columns(&self, record: &DatasetRecord) -> Result<Vec<Column>> {
        let fresh = self.0.catalog.dataset(&record.definition.name).await?;
        let recipe = Recipe::of(fresh.as_ref().unwrap_or(record)).await?;
        Ok(recipe.table_columns().to_vec())
    }

    /// To be held while work goes on that nobody waits for.
    pub(crate) async fn spare_core(&self) -> Result<SemaphorePermit<'_>> {
        self.0.spare.core().await
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// How the dataset's table is partitioned now.
    pub fn granularity(&self, dataset: &DatasetName) -> Result<Granularity> {
        Ok(self.0.definitions.get(dataset)?.definition.granularity())
    }

    /// What the dataset's landings may take until they are processed.
    pub fn objective(&self, dataset: &DatasetName) -> Option<Span> {
        self.0.definitions.get(dataset).ok()?.definition.sla
    }

    fn outputs(&self, target: &Target, manifest: &ManifestId) -> Outputs {
        Outputs::new(self.0.store.clone(), self.0.catalog.clone(), target.clone(), manifest.clone())
    }

    /// A body that fits in memory: a batch's, or a small file's. `inline`: what the catalog gave with the landing.
    async fn body(&self, landing: &Landing, inline: Option<Bytes>) -> Result<Bytes> {
        if let Some(body) = inline {
            return Ok(body);
        }
        match self.place(landing).await? {
            Body::Bytes(body) => Ok(body),
            Body::Object { key, offset, length } => self.0.store.get_range(&key, offset..offset + length).await,
        }
    }

    /// Where the bytes of a landing are now: inline ones may have been sealed since the landing was read.
    async fn place(&self, landing: &Landing) -> Result<Body> {
        if let BodyPlace::Object { key, offset, length } = &landing.body {
            return Ok(Body::Object { key: key.clone(), offset: *offset, length: *length });
        }
        let found = self.0.catalog.body(&landing.id).await?;
        found.ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("the bytes of the landing {} are not in the catalog", landing.id)))
    }
}

/// A step of the writer failed that no bytes of a landing can make fail.
fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::internal("writing a data file", why)
}

/// The step that takes what is sent has ended, and says itself why; this error is only seen if it did not.
fn fed<E>(sent: std::result::Result<(), E>) -> Result<()> {
    sent.map_err(|_| Error::internal("staging", "it was stopped"))
}

#[cfg(test)]
mod tests;
