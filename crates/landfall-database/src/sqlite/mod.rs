//! The catalog in one file: one thread writes, several read. Committed is
//! durable (write-ahead log, synced with every commit).

mod checkpoint;
mod connect;
mod error;
mod reader;
mod tx;
mod wipe;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use landfall_model::{Clock, Result, limits};

use super::database::Lanes;
use super::spawn;
use super::statistics::Counters;
use super::tx::Tx;
use crate::migrate::{self, Schema};

pub(super) use tx::SqliteTx;
pub(super) use wipe::wipe;

/// Opens the file, migrates it and starts the threads that serve `lanes`. Blocks.
pub(super) fn start(path: &Path, schema: Schema, clock: &Clock, lanes: &Lanes, counters: &Arc<Counters>) -> Result<Vec<JoinHandle<()>>> {
    let connection = connect::writer(path)?;
    migrate(&connection, schema, clock)?;
    let checkpoints = Arc::new(checkpoint::Checkpoints::default());
    let writer = writer::Writer::new(path, connection, &lanes.write, &checkpoints, counters);
    let mut threads = Vec::new();
    let path = path.to_owned();
    let background = (path.clone(), Arc::clone(&checkpoints));
    threads.push(spawn("catalog-log", move || checkpoint::serve(&background.0, &background.1))?);
    threads.push(spawn("catalog-write", move || writer.serve())?);
    for _ in 0..limits::CATALOG_READ_LANES {
        let (path, queue) = (path.clone(), Arc::clone(&lanes.read));
        threads.push(spawn("catalog-read", move || reader::serve(&path, &queue))?);
    }
    Ok(threads)
}

/// Migrates under the one writer's lock, so that who comes second finds nothing to do.
fn migrate(connection: &rusqlite::Connection, schema: Schema, clock: &Clock) -> Result<()> {
    connection.execute_batch("begin exclusive").map_err(|why| error::of("begin exclusive", &why))?;
    let mut tx = Tx::sqlite(SqliteTx::new(connection));
    let done = migrate::run(&mut tx, schema, clock.now());
    let end = if done.is_ok() { "commit" } else { "rollback" };
    let ended = connection.execute_batch(end).map_err(|why| error::of(end, &why));
    done.and(ended)
}
