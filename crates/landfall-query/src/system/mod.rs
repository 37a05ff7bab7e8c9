//! The tables of `landfall.*`: what the catalog knows, read page by page, so
//! that no transaction outlives a page however slowly the answer is read. Of
//! datasets that the caller may not query nothing is shown.

mod cells;
mod kinds;
mod pages;
mod provider;
mod rows;

use std::sync::Arc;

use landfall_catalog::Catalog;
use landfall_model::DatasetName;
use landfall_store::Store;

pub use kinds::SystemKind;
use pages::Scan;
use provider::SystemTable;

/// Where they read from. Cloning shares it.
#[derive(Clone)]
pub struct SystemTables {
    catalog: Catalog,
    store: Store,
}

impl SystemTables {
    pub fn new(catalog: Catalog, store: Store) -> SystemTables {
        SystemTables { catalog, store }
    }

    /// One of them, with what belongs to `datasets`, or to all if `None`.
    pub fn table(&self, kind: SystemKind, datasets: Option<Vec<DatasetName>>) -> SystemTable {
        let datasets = datasets.map(|names| names.into_iter().collect());
        SystemTable::new(Scan {
            kind,
            catalog: self.catalog.clone(),
            store: self.store.clone(),
            datasets: datasets.map(Arc::new),
            only: None,
        })
    }
}
