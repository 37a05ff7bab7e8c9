//! The one writing thread. Everything that waits when a commit ends goes into the
//! next one together: one sync of the disk for all, each with a savepoint of its
//! own, so that a failure takes down only itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use landfall_model::{Error, Result, limits};
use rusqlite::Connection;

use super::checkpoint::{self, Checkpoints, Progress};
use super::tx::{SqliteTx, command, run};
use super::{connect, error, wipe};
use crate::queue::{Queue, Taken};
use crate::statistics::Counters;
use crate::submission::{self, Committed, Submission};
use crate::tx::Tx;

/// Without work for this long, the writer empties the log.
const IDLE: Duration = Duration::from_millis(250);

pub(super) struct Writer {
    path: PathBuf,
    /// `None` after the disk failed, until the file could be opened again.
    connection: Option<Connection>,
    queue: Arc<Queue>,
    checkpoints: Arc<Checkpoints>,
    progress: Progress,
    counters: Arc<Counters>,
}

/// The work of one commit.
struct Group {
    members: Vec<Box<dyn Submission>>,
    bytes: usize,
}

impl Writer {
    pub(super) fn new(
        path: &Path,
        connection: Connection,
        queue: &Arc<Queue>,
        checkpoints: &Arc<Checkpoints>,
        counters: &Arc<Counters>,
    ) -> Writer {
        Writer {
            path: path.to_owned(),
            connection: Some(connection),
            queue: Arc::clone(queue),
            checkpoints: Arc::clone(checkpoints),
            progress: Progress::default(),
            counters: Arc::clone(counters),
        }
    }

    pub(super) fn serve(mut self) {
        if let Some(connection) = &self.connection {
            checkpoint::watch(connection);
        }
        loop {
            let patience = self.progress.is_due().then_some(IDLE);
            match self.queue.take_alert(patience) {
                Taken::Work(first) => self.commit(first),
                Taken::Scrub(reply) => {
                    let _ = reply.send(self.scrub());
                }
                Taken::Idle => {
                    if let Some(connection) = &self.connection {
                        self.progress.finish(connection);
                    }
                }
                Taken::Closed => break,
            }
        }
        self.checkpoints.close();
        if let Some(connection) = &self.connection {
            Progress::empty(connection);
        }
    }

    /// Empties the log and grows it again with zeroes.
    fn scrub(&mut self) -> bool {
        let Some(connection) = &self.connection else { return false };
        if let Err(why) = wipe::rewrite_unreached(connection) {
            tracing::warn!(%why, "the catalog could not be written anew; what was deleted may still be found in its file");
            return false;
        }
        let emptied = self.progress.scrub(connection);
        emptied && connect::grow_log(&self.path, connection).is_ok()
    }

    /// Commits `first` and whatever waits behind it, and answers each.
    fn commit(&mut self, first: Box<dyn Submission>) {
        let connection = match self.connected() {
            Ok(connection) => connection,
            Err(error) => return submission::tell(first, Committed::No(error)),
        };
        let mut group = Group { members: Vec::new(), bytes: 0 };
        let outcome = match command(&connection, "begin immediate") {
            Ok(()) => {
                let filled = group.fill(&connection, first, &self.queue);
                group.end(&connection, filled)
            }
            Err(error) => {
                group.members.push(first);
                Committed::No(error)
            }
        };
        let kept = !matches!(outcome, Committed::Unknown(_)) && connection.is_autocommit();
        if matches!(outcome, Committed::Yes) {
            self.counters.committed(group.members.len());
        }
        for member in group.members {
            submission::tell(member, outcome.clone());
        }
        if kept {
            self.progress.committed(&connection, &self.checkpoints);
            self.connection = Some(connection);
        }
    }

    /// The connection, opened again if the disk had failed. Whoever takes it puts it back if it is still good.
    fn connected(&mut self) -> Result<Connection> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let connection = connect::writer(&self.path)?;
        checkpoint::watch(&connection);
        Ok(connection)
    }
}

impl Group {
    /// Runs `first` and what waits, up to the limits. An error means that the whole transaction is gone.
    fn fill(&mut self, connection: &Connection, first: Box<dyn Submission>, queue: &Queue) -> Result<()> {
        let mut next = Some(first);
        while let Some(work) = next {
            self.admit(connection, work)?;
            let full = self.bytes >= limits::GROUP_BYTES_MAX || self.members.len() >= limits::GROUP_REQUESTS_MAX;
            next = if full { None } else { queue.try_take() };
        }
        Ok(())
    }

    /// Runs one; if it fails alone it is answered here and now.
    fn admit(&mut self, connection: &Connection, mut work: Box<dyn Submission>) -> Result<()> {
        let mut tx = Tx::sqlite(SqliteTx::new(connection));
        let done = tx.savepoint(|tx| submission::run(work.as_mut(), tx));
        self.bytes += tx.into_sqlite().map_or(0, |tx| tx.bytes);
        match done {
            Ok(()) => self.members.push(work),
            // A full or failing disk makes SQLite roll the whole transaction back by itself.
            Err(error) if connection.is_autocommit() => {
                self.members.push(work);
                return Err(error);
            }
            Err(error) => submission::tell(work, Committed::No(error)),
        }
        Ok(())
    }

    fn end(&self, connection: &Connection, filled: Result<(), Error>) -> Committed {
        let committed = match filled {
            Err(error) => return Committed::No(error),
            Ok(()) => run(connection, if self.members.is_empty() { "rollback" } else { "commit" }),
        };
        let Err(why) = committed else {
            return Committed::Yes;
        };
        if !connection.is_autocommit() && run(connection, "rollback").is_err() {
            tracing::warn!("the catalog's connection is given up after a failed commit");
        }
        let error = error::of("commit", &why);
        // After a failed sync, the log may or may not hold the commit when it is next read from the disk.
        if error::is_io(&why) { Committed::Unknown(error) } else { Committed::No(error) }
    }
}
