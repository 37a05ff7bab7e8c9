//! DataFusion, set up once: memory, spill folder, caches, functions. Each query
//! gets a session of its own that knows the tables it names and no others.

use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::execution::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use landfall_model::{Clock, Error, Result, Timestamp, limits};
use landfall_store::Store;

use super::tables::Functions;
use crate::live::STORE_URL;

/// Every table is in this catalog; nobody has to write it.
const CATALOG: &str = "landfall";
/// The schema of the datasets' tables.
pub const DATASETS: &str = "public";
/// The schema of the system's own tables.
pub const SYSTEM: &str = "landfall";

/// A table that a query names: its schema and its name there.
pub struct Named {
    pub schema: &'static str,
    pub name: String,
    pub table: Arc<dyn TableProvider>,
}

pub struct Sessions {
    base: SessionState,
    clock: Clock,
}

impl Sessions {
    /// `spill` is a folder for what does not fit into memory, and for nothing else: what a crash left there is deleted.
    pub fn new(store: &Store, spill: &Path, clock: Clock) -> Result<Sessions> {
        let cleared = match std::fs::remove_dir_all(spill) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(why),
            _ => std::fs::create_dir_all(spill),
        };
        cleared.map_err(|why| Error::unavailable(&format!("making the folder {}", spill.display()), why))?;
        let runtime = runtime(store, spill).map_err(|error| Error::internal("setting up queries", error))?;
        let base = SessionStateBuilder::new().with_config(config()).with_runtime_env(runtime).with_default_features().build();
        Ok(Sessions { base, clock })
    }

    pub fn table_functions(&self) -> &Functions {
        self.base.table_functions()
    }

    /// A session that knows these tables; `now()` is `now` there, or the moment of this call.
    pub fn session(&self, tables: Vec<Named>, now: Option<Timestamp>) -> Result<SessionState> {
        let schemas = [(DATASETS, MemorySchemaProvider::new()), (SYSTEM, MemorySchemaProvider::new())];
        let broken = |error| Error::internal("naming the tables of a query", error);
        for Named { schema, name, table } in tables {
            if let Some((_, provider)) = schemas.iter().find(|(known, _)| *known == schema) {
                provider.register_table(name, table).map_err(broken)?;
            }
        }
        let catalog = MemoryCatalogProvider::new();
        for (name, provider) in schemas {
            catalog.register_schema(name, Arc::new(provider)).map_err(broken)?;
        }
        let catalogs = MemoryCatalogProviderList::new();
        datafusion::catalog::CatalogProviderList::register_catalog(&catalogs, CATALOG.into(), Arc::new(catalog));
        let mut state = self.base.clone();
        state.register_catalog_list(Arc::new(catalogs));
        let now = now.unwrap_or_else(|| self.clock.now());
        let now = DateTime::from_timestamp_micros(now.micros()).unwrap_or_default();
        state.execution_props_mut().query_execution_start_time = Some(now);
        Ok(state)
    }
}

fn runtime(store: &Store, spill: &Path) -> datafusion::common::Result<Arc<RuntimeEnv>> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spill.to_owned()]))
        .with_max_temp_directory_size(limits::QUERY_SPILL_BYTES_MAX);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(limits::QUERY_BYTES_MAX)))
        .with_disk_manager_builder(disk)
        .with_metadata_cache_limit(limits::FOOTER_CACHE_BYTES_MAX)
        .build_arc()?;
    runtime.register_object_store(ObjectStoreUrl::parse(STORE_URL)?.as_ref(), store.object_store());
    Ok(runtime)
}

fn config() -> SessionConfig {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut config = SessionConfig::new()
        .with_target_partitions(cores)
        .with_default_catalog_and_schema(CATALOG, DATASETS)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true);
    let parquet = &mut config.options_mut().execution.parquet;
    // Rows that a filter drops are then not decoded in the other columns.
    parquet.pushdown_filters = true;
    parquet.reorder_filters = true;
    config
}
