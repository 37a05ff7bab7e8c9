//! Moves what the log holds into the file, mostly beside the writer.
//!
//! A checkpoint by the writer makes everybody wait, so a thread of its own does
//! the bulk of it. It never catches up with a writer that goes on, and a log that
//! is not wholly moved cannot start over, so the writer then moves the small rest.

use std::cell::Cell;
use std::path::Path;

use landfall_model::limits;
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::connect;

thread_local! {
    /// Pages in the log after the last commit of this thread's connection.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// What the writer and the background thread tell each other.
#[derive(Default)]
pub(super) struct Checkpoints {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Idle,
    Wanted,
    /// The bulk is moved; the rest is the writer's.
    BulkDone,
    Closed,
}

/// The writer's side: when to start one and when to finish it.
#[derive(Default)]
pub(super) struct Progress {
    /// Pages of the log that were moved by the last finishing checkpoint.
    moved: u32,
}

/// Counts the log's pages from now on; takes the place of SQLite's own automatic checkpoint.
pub(super) fn watch(connection: &Connection) {
    connection.wal_hook(Some(|_, pages| {
        LOG_PAGES.set(u32::try_from(pages).unwrap_or(0));
        Ok(())
    }));
}

impl Progress {
    /// After each commit.
    pub(super) fn committed(&mut self, connection: &Connection, shared: &Checkpoints) {
        let pages = LOG_PAGES.get();
        if pages < self.moved {
            self.moved = 0;
        }
        let mut state = shared.state.lock();
        match *state {
            State::BulkDone => {
                *state = State::Idle;
                drop(state);
                self.finish(connection);
            }
            State::Idle if pages - self.moved >= limits::CHECKPOINT_PAGES => {
                *state = State::Wanted;
                shared.changed.notify_one();
            }
            State::Idle | State::Wanted | State::Closed => {}
        }
    }

    /// True while the log holds pages that no finishing checkpoint has moved.
    pub(super) fn is_due(&self) -> bool {
        LOG_PAGES.get() > self.moved
    }

    /// Moves what is left, as far as readers allow; it does not wait for them.
    pub(super) fn finish(&mut self, connection: &Connection) {
        if checkpoint(connection, "passive") {
            self.moved = LOG_PAGES.get();
        }
    }

    /// Moves everything and empties the log, so that nothing of what was deleted stays in it. Gives up where a reader needs
    /// it for longer than a moment.
    pub(super) fn scrub(&mut self, connection: &Connection) -> bool {
        let patience = connection.busy_timeout(connect::SCRUB_TIMEOUT);
        let emptied = patience.is_ok() && checkpoint(connection, "truncate");
        if let Err(why) = connection.busy_timeout(connect::BUSY_TIMEOUT) {
            tracing::warn!(%why, "the catalog's patience could not be set");
        }
        self.moved = 0;
        LOG_PAGES.set(0);
        emptied
    }

    /// Moves everything and empties the log: the last act of a writer.
    pub(super) fn empty(connection: &Connection) {
        checkpoint(connection, "truncate");
    }
}

impl Checkpoints {
    /// Ends the background thread.
    pub(super) fn close(&self) {
        *self.state.lock() = State::Closed;
        self.changed.notify_all();
    }

    /// Waits until a checkpoint is wanted; false when there will be none any more.
    fn wanted(&self) -> bool {
        let mut state = self.state.lock();
        loop {
            match *state {
                State::Wanted => return true,
                State::Closed => return false,
                State::Idle | State::BulkDone => self.changed.wait(&mut state),
            }
        }
    }

    fn bulk_done(&self) {
        let mut state = self.state.lock();
        if *state == State::Wanted {
            *state = State::BulkDone;
        }
    }
}

/// The background thread.
pub(super) fn serve(path: &Path, shared: &Checkpoints) {
    let mut connection = None;
    while shared.wanted() {
        if connection.is_none() {
            connection = connect::checkpointer(path).inspect_err(|why| tracing::warn!(%why, "no checkpoint of the catalog")).ok();
        }
        if let Some(connection) = &connection {
            checkpoint(connection, "passive");
        }
        shared.bulk_done();
    }
}

/// True if it ran. A failure is not the end: the log holds everything and the next one tries again.
fn checkpoint(connection: &Connection, mode: &str) -> bool {
    let done = connection.query_row(&format!("pragma wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(0));
    match done {
        Ok(busy) => busy == 0,
        Err(why) => {
            tracing::warn!(%why, "a checkpoint of the catalog failed");
            false
        }
    }
}
