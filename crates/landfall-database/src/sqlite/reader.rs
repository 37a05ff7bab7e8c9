//! One reading thread: each piece of work sees one snapshot.

use std::path::Path;

use landfall_model::{Error, Result};
use rusqlite::Connection;

use super::connect;
use super::tx::{SqliteTx, command};
use crate::queue::{Queue, Taken};
use crate::submission::{self, Committed, Submission};
use crate::tx::Tx;

pub(super) fn serve(path: &Path, queue: &Queue) {
    let mut connection = None;
    while let Taken::Work(mut work) = queue.take(None) {
        let outcome = match read(path, &mut connection, work.as_mut()) {
            Ok(()) => Committed::Yes,
            Err(error) => Committed::No(error),
        };
        submission::tell(work, outcome);
    }
}

fn read(path: &Path, kept: &mut Option<Connection>, work: &mut dyn Submission) -> Result<()> {
    let connection = match kept.take() {
        Some(connection) => connection,
        None => connect::reader(path)?,
    };
    command(&connection, "begin")?;
    let done = submission::run(work, &mut Tx::sqlite(SqliteTx::new(&connection)));
    let ended = end(&connection);
    // A connection whose transaction does not end is not used again.
    if ended.is_ok() {
        *kept = Some(connection);
    }
    done
}

fn end(connection: &Connection) -> Result<(), Error> {
    if connection.is_autocommit() {
        return Ok(());
    }
    command(connection, "rollback")
}
