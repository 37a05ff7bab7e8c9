//! Opening a table through the protocol's own library, checkpoint and all;
//! and writing the next checkpoint with it. Neither is on the way of a commit.

use std::sync::Arc;

use deltalake_core::logstore::{StorageConfig, default_logstore};
use deltalake_core::protocol::checkpoints;
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError, Path};
use futures::future::BoxFuture;
use landfall_model::{DataFile, Error, ErrorKind, Result};
use object_store::prefix::PrefixStore;
use url::Url;

use super::action::{MetaData, Protocol, Txn};
use super::build::REGIONS;
use super::log::Log;
use super::state::{FENCE, File, LOAD, LOAD_ID, State, WATERMARK, check_protocol};

/// The table as its log says now; a state at version −1 if there is none.
pub(super) fn open(log: &Log) -> BoxFuture<'_, Result<State>> {
    Box::pin(read(log))
}

async fn read(log: &Log) -> Result<State> {
    let mut table = library(log)?;
    match table.load().await {
        Ok(()) => {}
        Err(DeltaTableError::NotATable(_)) => return Ok(State::none()),
        Err(error) => return Err(failed("opening the table", &error)),
    }
    let snapshot = table.snapshot().map_err(|error| failed("opening the table", &error))?;
    check_protocol(convert::<Protocol>(snapshot.protocol())?)?;
    let mut state = State { version: i64::try_from(snapshot.version()).unwrap_or(i64::MAX), ..State::none() };
    let meta = convert::<MetaData>(snapshot.metadata())?;
    let regions = meta.configuration.get(REGIONS).cloned().unwrap_or_default();
    state.set_meta(meta)?;
    let watermarks = regions.split(',').filter(|region| !region.is_empty()).map(|region| format!("{WATERMARK}{region}"));
    for app_id in [FENCE, LOAD, LOAD_ID].map(String::from).into_iter().chain(watermarks) {
        let version = snapshot.transaction_version(table.log_store().as_ref(), &app_id).await;
        if let Some(version) = version.map_err(|error| failed("reading the table's transactions", &error))? {
            state.set_txn(&Txn { app_id: app_id.into(), version, last_updated: None })?;
        }
    }
    take_files(&mut state, snapshot)?;
    Ok(state)
}

/// Writes a checkpoint of the newest version, so that opening the table reads no older entry.
pub(super) fn checkpoint(log: &Log) -> BoxFuture<'_, Result<()>> {
    Box::pin(write_checkpoint(log))
}

async fn write_checkpoint(log: &Log) -> Result<()> {
    let mut table = library(log)?;
    table.load().await.map_err(|error| failed("opening the table", &error))?;
    checkpoints::create_checkpoint(&table, None).await.map_err(|error| failed("writing a checkpoint", &error))
}

fn take_files(state: &mut State, snapshot: &DeltaTableState) -> Result<()> {
    for view in snapshot.log_data().iter() {
        let path = view.path().into_owned();
        let partition = view.partition_values_map().into_values().next().flatten();
        let rows = view.num_records().and_then(|rows| i64::try_from(rows).ok());
        let (Some(partition), Some(rows), Some(stats)) = (partition, rows, view.stats()) else {
            let message = format!("the table's log names the file `{path}` without its partition or its number of rows");
            return Err(Error::new(ErrorKind::Corrupt, message));
        };
        let file = DataFile { path: path.clone(), partition, size: view.size(), rows, stats };
        state.files.insert_mut(path, Arc::new(File::new(file)));
    }
    Ok(())
}

/// The library's handle, over our durable store.
fn library(log: &Log) -> Result<DeltaTable> {
    // Nothing is ever looked for at this address. Its host is named as those S3 buckets are whose lists come in no order,
    // for so do those of a local folder, and the library sorts them for us.
    let location =
        Url::parse(&format!("memory://landfall--x-s3/{}/", log.root)).map_err(|why| Error::internal("naming the table's place", why))?;
    let store = log.store.object_store();
    let prefixed = Arc::new(PrefixStore::new(Arc::clone(&store), Path::from(log.root.as_str())));
    Ok(DeltaTable::new(default_logstore(prefixed, store, &location, &StorageConfig::default())))
}

/// The library's fields are private, but it writes them as the protocol does.
fn convert<T: serde::de::DeserializeOwned>(from: &impl serde::Serialize) -> Result<T> {
    serde_json::to_value(from).and_then(serde_json::from_value).map_err(|why| Error::internal("reading the table's metadata", why))
}

fn failed(what: &str, error: &DeltaTableError) -> Error {
    match error {
        DeltaTableError::ObjectStore { .. } | DeltaTableError::Io { .. } => Error::unavailable(what, error),
        _ => Error::new(ErrorKind::Corrupt, format!("{what}: {error}")),
    }
}
