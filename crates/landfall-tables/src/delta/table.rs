//! Handles: `Tables` is where a node keeps one `Table` per dataset, so that all
//! who ask share the last state that was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_catalog::datasets::DatasetRecord;
use landfall_model::{Clock, DatasetName, Result};
use landfall_store::{Store, keys};
use parking_lot::{Mutex, RwLock};

use super::log::Log;
use super::open;
use super::state::State;

/// Where the table of a dataset lies.
pub fn root_of(record: &DatasetRecord) -> String {
    let name = &record.definition.name;
    record.beside.as_ref().map_or_else(|| keys::table_root(name), |beside| keys::side_table_root(name, &beside.made_by))
}

/// The tables of all datasets. Cloning shares them.
#[derive(Clone)]
pub struct Tables(Arc<TablesInner>);

struct TablesInner {
    store: Store,
    clock: Clock,
    tables: Mutex<BTreeMap<DatasetName, Table>>,
}

impl Tables {
    pub fn new(store: Store, clock: Clock) -> Tables {
        Tables(Arc::new(TablesInner { store, clock, tables: Mutex::new(BTreeMap::new()) }))
    }

    /// The table of a dataset that the configuration declares, or did.
    pub fn get(&self, dataset: &DatasetName) -> Table {
        self.at(dataset, keys::table_root(dataset))
    }

    /// The table of any dataset. A side table that was made anew under an old name is another table.
    pub fn of(&self, record: &DatasetRecord) -> Table {
        self.at(&record.definition.name, root_of(record))
    }

    fn at(&self, dataset: &DatasetName, root: String) -> Table {
        let mut tables = self.0.tables.lock();
        match tables.get(dataset).filter(|table| table.root() == root) {
            Some(table) => table.clone(),
            None => {
                let table = Table::at(self.0.store.clone(), root, self.0.clock.clone());
                tables.insert(dataset.clone(), table.clone());
                table
            }
        }
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }
}

/// One table. Cloning shares it.
#[derive(Clone)]
pub struct Table(Arc<TableInner>);

struct TableInner {
    log: Log,
    clock: Clock,
    /// The newest state that was read.
    state: RwLock<Option<Arc<State>>>,
    /// Held while one reads ahead for all.
    reading: tokio::sync::Mutex<()>,
}

impl Table {
    pub fn new(store: Store, dataset: &DatasetName, clock: Clock) -> Table {
        Table::at(store, keys::table_root(dataset), clock)
    }

    fn at(store: Store, root: String, clock: Clock) -> Table {
        let log = Log { store, root };
        Table(Arc::new(TableInner { log, clock, state: RwLock::new(None), reading: tokio::sync::Mutex::new(()) }))
    }

    /// Key of the table's root in the store; paths of data files are relative to it.
    pub fn root(&self) -> &str {
        &self.0.log.root
    }

    /// The last state that was read; read now if none was.
    pub async fn state(&self) -> Result<Arc<State>> {
        match self.kept() {
            Some(state) => Ok(state),
            None => self.refresh().await,
        }
    }

    /// The newest state there is: everything committed before this call is in it.
    pub async fn refresh(&self) -> Result<Arc<State>> {
        let _reading = self.0.reading.lock().await;
        let mut state = match self.kept() {
            Some(state) => state,
            None => Arc::new(open::open(self.log()).await?),
        };
        loop {
            if let Some(entry) = self.log().read(state.version + 1).await? {
                state = Arc::new(state.apply(state.version + 1, &entry)?);
                continue;
            }
            if self.log().is_in_place(state.version).await? {
                break;
            }
            // The log was cut off above this state.
            state = Arc::new(open::open(self.log()).await?);
        }
        self.keep(&state);
        Ok(state)
    }

    /// Writes a checkpoint of the newest version. May run beside commits, and twice.
    pub async fn checkpoint(&self) -> Result<()> {
        open::checkpoint(self.log()).await
    }

    /// The version of the newest checkpoint; −1 if there is none.
    pub async fn checkpointed(&self) -> Result<i64> {
        self.log().checkpointed().await
    }

    /// Deletes what the log says of versions before `version`, which has a checkpoint. May run beside commits, and twice.
    pub async fn cut_log(&self, version: i64) -> Result<()> {
        self.log().cut(version).await
    }

    pub(super) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn kept(&self) -> Option<Arc<State>> {
        self.0.state.read().clone()
    }

    /// Keeps `state` unless a newer one is kept.
    pub(super) fn keep(&self, state: &Arc<State>) {
        let mut kept = self.0.state.write();
        if kept.as_ref().is_none_or(|kept| kept.version < state.version) {
            *kept = Some(Arc::clone(state));
        }
    }

    /// Lets the next reader open the table anew.
    pub(super) fn forget(&self) {
        *self.0.state.write() = None;
    }
}
