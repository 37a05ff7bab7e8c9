//! The objects that one staging writes: registered before they are begun, and
//! all deleted again if it fails.

use std::sync::Arc;

use landfall_catalog::Catalog;
use landfall_model::{ManifestId, Result};
use landfall_store::Store;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::Target;
use super::upload::BlockingUpload;

/// Cloning shares it.
#[derive(Clone)]
pub(super) struct Outputs(Arc<Inner>);

struct Inner {
    store: Store,
    catalog: Catalog,
    target: Target,
    manifest: ManifestId,
    runtime: Handle,
    /// Every key that was ever begun.
    keys: Mutex<Vec<String>>,
}

impl Outputs {
    pub fn new(store: Store, catalog: Catalog, target: Target, manifest: ManifestId) -> Outputs {
        let keys = Mutex::new(Vec::new());
        Outputs(Arc::new(Inner { store, catalog, target, manifest, runtime: Handle::current(), keys }))
    }

    pub fn target(&self) -> &Target {
        &self.0.target
    }

    pub fn manifest(&self) -> &ManifestId {
        &self.0.manifest
    }

    /// Blocks: registers the key in the catalog, then begins the upload.
    pub fn begin(&self, key: &str) -> Result<BlockingUpload> {
        let inner = &self.0;
        inner.runtime.block_on(inner.catalog.register_paths(&inner.target.dataset, inner.manifest.as_str(), vec![key.to_owned()]))?;
        inner.keys.lock().push(key.to_owned());
        let upload = inner.runtime.block_on(inner.store.upload(key))?;
        Ok(BlockingUpload::new(upload, inner.runtime.clone()))
    }

    /// Deletes all of it. Blocks. What cannot be deleted now stays registered, and is swept later.
    pub fn discard(&self) {
        for key in self.0.keys.lock().drain(..) {
            if let Err(error) = self.0.runtime.block_on(self.0.store.delete(&key)) {
                tracing::warn!(key, %error, "an object of a staging that failed is left to the sweep");
            }
        }
    }
}
