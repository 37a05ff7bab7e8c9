//! What this node knows of the datasets, in memory: every request asks here
//! instead of the catalog, and one listener keeps it up to date.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_model::{DatasetName, Error, ErrorKind, Result};
use parking_lot::RwLock;

use crate::datasets::DatasetRecord;
use crate::engine::Catalog;

type Known = BTreeMap<DatasetName, Arc<DatasetRecord>>;

/// Cloning shares it.
#[derive(Clone, Default)]
pub struct Definitions(Arc<RwLock<Arc<Known>>>);

impl Definitions {
    /// Reads all of them anew.
    pub async fn refresh(&self, catalog: &Catalog) -> Result<()> {
        let known = catalog.datasets().await?.into_iter().map(|record| (record.definition.name.clone(), Arc::new(record))).collect();
        *self.0.write() = Arc::new(known);
        Ok(())
    }

    pub fn all(&self) -> Arc<Known> {
        self.0.read().clone()
    }

    /// The dataset of that name, or why there is none, with the name that was probably meant.
    pub fn get(&self, name: &DatasetName) -> Result<Arc<DatasetRecord>> {
        let known = self.all();
        if let Some(record) = known.get(name) {
            return Ok(record.clone());
        }
        let message = format!("there is no dataset `{name}`: declare [datasets.{name}] in the configuration");
        Err(Error::new(ErrorKind::UnknownDataset, message))
    }

    /// The same, for what puts something in: a detached dataset takes nothing.
    pub fn get_open(&self, name: &DatasetName) -> Result<Arc<DatasetRecord>> {
        let record = self.get(name)?;
        if let Some(beside) = &record.beside {
            let message =
                format!("`{name}` is a side table: a replay of `{}` made it; it can be read, and takes nothing else in", beside.source);
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        if record.detached {
            let message =
                format!("the dataset `{name}` is detached: the configuration no longer declares it, so it can be read but takes nothing");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Ok(record)
    }
}
