//! Lands: the one way in. Every source ends here, and nothing is acknowledged
//! before its bytes are durable and the catalog transaction that names them has
//! committed (promise 1). What cannot be taken is refused before memory grows.

mod events;
mod file;
mod group;
mod receipt;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use landfall_access::Gate;
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{Clock, Error, ErrorKind, Region, Result};
use landfall_store::Store;

pub use file::Put;
pub use receipt::{FileReceipt, Receipt};

/// The way in. Cloning shares it.
#[derive(Clone)]
pub struct Land(Arc<Inner>);

struct Inner {
    gate: Gate,
    catalog: Catalog,
    store: Store,
    definitions: Definitions,
    clock: Clock,
    region: Region,
    pending: group::Pending,
    closed: AtomicBool,
    runtime: tokio::runtime::Handle,
}

impl Land {
    /// Must be called on the runtime that the doors run on.
    pub fn new(gate: Gate, catalog: Catalog, store: Store, definitions: Definitions, clock: Clock, region: Region) -> Land {
        let pending = group::Pending::new(store.segments());
        let runtime = tokio::runtime::Handle::current();
        Land(Arc::new(Inner { gate, catalog, store, definitions, clock, region, pending, closed: AtomicBool::new(false), runtime }))
    }

    /// From now on everything is refused with `Draining`; what waits for its commit is still answered.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
    }

    /// Gives up a segment that has been appended to for long. To be called now and then.
    pub fn retire_segments(&self) {
        self.0.pending.retire_segments();
    }

    fn open(&self) -> Result<&Inner> {
        if self.0.closed.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Draining,
                "this node is stopping and takes nothing more: send it to another node, or again in a moment",
            ));
        }
        Ok(&self.0)
    }
}
