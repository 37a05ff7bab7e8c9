//! Keeps what this node knows of datasets and keys up to date, and sees to it
//! that every dataset has its committer, and every schedule its task, where this
//! node does that work.

use std::collections::BTreeSet;
use std::sync::Arc;

use landfall_access::Gate;
use landfall_catalog::{Catalog, Definitions, Topic};
use landfall_model::{DatasetName, Result, limits};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::Schedules;

type StartCommitter = Box<dyn Fn(DatasetName) + Send + Sync>;

pub struct Listener {
    catalog: Catalog,
    definitions: Definitions,
    gate: Gate,
    /// Starts a committer; does nothing on a node without the role `work`.
    start: StartCommitter,
    started: Mutex<BTreeSet<DatasetName>>,
    schedules: Schedules,
}

impl Listener {
    pub fn new(catalog: Catalog, definitions: Definitions, gate: Gate, start: StartCommitter, schedules: Schedules) -> Arc<Listener> {
        Arc::new(Listener { catalog, definitions, gate, start, started: Mutex::default(), schedules })
    }

    /// Reads definitions and keys anew.
    pub async fn refresh(&self) -> Result<()> {
        self.definitions.refresh(&self.catalog).await?;
        let known = self.definitions.all();
        self.gate.set_datasets(known.values().map(|record| &record.definition));
        self.gate.refresh_keys(&self.catalog).await?;
        for name in known.keys() {
            if self.started.lock().insert(name.clone()) {
                (self.start)(name.clone());
            }
        }
        self.schedules.refresh(&self.catalog).await
    }

    /// Refreshes whenever somebody, on this node or another, changes something.
    pub async fn listen(self: Arc<Self>, stop: CancellationToken) {
        let mut wake = self.catalog.subscribe(Topic::Definitions);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = wake.changed() => {}
                () = tokio::time::sleep(limits::POLL) => {}
            }
            wake.mark_unchanged();
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "what the catalog says of datasets and keys could not be read");
            }
        }
    }
}
