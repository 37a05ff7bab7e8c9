//! One lane: a thread, a connection, and one transaction at a time. What the
//! database gives up is run again; what was lost at its commit never is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use landfall_model::{Clock, Error, ErrorKind, Result, limits};
use tokio::runtime::Runtime;

use super::address::Address;
use super::error::Trouble;
use super::session::{self, Session};
use super::tx::PostgresTx;
use crate::migrate::{self, Schema};
use crate::queue::{Queue, Taken};
use crate::statistics::Counters;
use crate::submission::{self, Committed, Submission};
use crate::tx::Tx;

/// What a lane's transactions may do.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Access {
    Write,
    /// On one snapshot for the whole transaction.
    Read,
}

pub(super) struct Lane {
    runtime: Runtime,
    address: Address,
    access: Access,
    clock: Clock,
    counters: Arc<Counters>,
    session: Option<Session>,
    /// A read whose transaction has not been ended yet: its answer goes out first.
    open: bool,
    down: Option<Down>,
}

/// The server could not be reached: until then nobody waits for another try.
struct Down {
    until: Instant,
    wait: Duration,
    error: Error,
}

impl Lane {
    pub(super) fn new(address: &Address, access: Access, clock: &Clock, counters: &Arc<Counters>) -> Result<Lane> {
        let (address, clock, counters) = (address.clone(), clock.clone(), Arc::clone(counters));
        Ok(Lane { runtime: session::runtime()?, address, access, clock, counters, session: None, open: false, down: None })
    }

    pub(super) fn serve(mut self, queue: &Queue) {
        while let Taken::Work(work) = queue.take(None) {
            let (work, outcome) = self.perform(work);
            if self.access == Access::Write && matches!(outcome, Committed::Yes) {
                self.counters.committed(1);
            }
            submission::tell(work, outcome);
            self.end_read();
        }
    }

    fn end_read(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let ended = self.session.as_mut().map(|session| session.send(&self.runtime, &["commit"], &[]));
        if matches!(ended, Some(Err(_))) {
            self.session = None;
        }
    }

    fn perform(&mut self, mut work: Box<dyn Submission>) -> (Box<dyn Submission>, Committed) {
        for attempt in 1..=limits::CATALOG_ATTEMPTS_MAX {
            let trouble = match self.attempt(work.as_mut()) {
                Ok(()) => return (work, Committed::Yes),
                Err(trouble) => trouble,
            };
            match trouble {
                Trouble::Failed(error) => return (work, Committed::No(error)),
                Trouble::Unknown(error) => return (work, Committed::Unknown(error)),
                Trouble::Lost(error) | Trouble::Again(error) if attempt == limits::CATALOG_ATTEMPTS_MAX => {
                    return (work, Committed::No(error.while_("every attempt failed")));
                }
                // A new connection is tried at once.
                Trouble::Lost(_) => {}
                Trouble::Again(_) => std::thread::sleep(self.pause(attempt)),
            }
            self.counters.retried();
        }
        (work, Committed::No(Error::new(ErrorKind::Internal, "a catalog transaction was never tried")))
    }

    fn attempt(&mut self, work: &mut dyn Submission) -> Result<(), Trouble> {
        let mut session = self.connected().map_err(Trouble::Failed)?;
        let work = |tx: &mut Tx<'_>| submission::run(work, tx);
        let outcome = match self.access {
            Access::Write => transact(&self.runtime, &mut session, "begin", work, |tx| tx.commit()),
            Access::Read => {
                let begin = "begin isolation level repeatable read read only";
                transact(&self.runtime, &mut session, begin, work, |tx| tx.leave()).map(|open| self.open = open)
            }
        };
        if !matches!(outcome, Err(Trouble::Lost(_) | Trouble::Unknown(_))) {
            self.session = Some(session);
        }
        outcome
    }

    /// The connection, made anew if it was lost. Whoever takes it puts it back if it is still good.
    fn connected(&mut self) -> Result<Session> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        if let Some(down) = self.down.as_ref().filter(|down| Instant::now() < down.until) {
            return Err(down.error.clone());
        }
        match Session::open(&self.runtime, &self.address) {
            Ok(session) => {
                self.down = None;
                Ok(session)
            }
            Err(error) => {
                let wait = self.down.take().map_or(limits::BACKOFF_FIRST, |down| (down.wait * 2).min(limits::CATALOG_RECONNECT_MAX));
                self.down = Some(Down { until: Instant::now() + wait, wait, error: error.clone() });
                Err(error)
            }
        }
    }

    /// A few milliseconds, more with each attempt, so that the same two transactions do not meet again.
    fn pause(&self, attempt: u32) -> Duration {
        Duration::from_micros(self.clock.random_below(5_000 * u64::from(attempt)))
    }
}

/// Runs `work` in one transaction, and `end` when it went well. The work's own error wins, unless the database says to
/// run it again.
fn transact<T>(
    runtime: &Runtime,
    session: &mut Session,
    begin: &'static str,
    work: impl FnOnce(&mut Tx<'_>) -> Result<()>,
    end: impl FnOnce(PostgresTx<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut tx = Tx::postgres(PostgresTx::new(runtime, session, begin));
    let done = work(&mut tx);
    let Some(tx) = tx.into_postgres() else {
        return Err(Trouble::Failed(Error::new(ErrorKind::Internal, "a transaction changed its database")));
    };
    match done {
        Ok(()) => end(tx),
        Err(error) => match tx.rollback() {
            Some(trouble @ (Trouble::Again(_) | Trouble::Lost(_))) => Err(trouble),
            _ => Err(Trouble::Failed(error)),
        },
    }
}

/// Brings the schema up to date. Nodes that start together wait for each other at the lock, for which no limit holds.
pub(super) fn migrate(address: &Address, schema: Schema, clock: &Clock) -> Result<()> {
    const LOCK: i64 = 0x6c61_6e64_6661_6c6c;
    let runtime = session::runtime()?;
    let mut session = Session::open(&runtime, address)?;
    let begin = "begin; set local statement_timeout = 0; set local lock_timeout = 0";
    let work = |tx: &mut Tx<'_>| {
        tx.query("select pg_advisory_xact_lock($1)", &[LOCK.into()])?;
        migrate::run(tx, schema, clock.now())
    };
    let done = transact(&runtime, &mut session, begin, work, |tx| tx.commit());
    done.map_err(|trouble| trouble.error().clone().while_("the catalog's schema could not be brought up to date"))
}
