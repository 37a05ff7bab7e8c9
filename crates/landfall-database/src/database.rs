//! The handle. Its lanes are queues; what serves them is one of the two databases.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use landfall_model::{Clock, Error, ErrorKind, Result};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::queue::Queue;
use super::statistics::{Counters, Statistics};
use super::submission::{self, Answer, Committed, Submission};
use super::tx::Tx;
use super::{postgres, sqlite};
use crate::migrate::Schema;
use crate::notify::{Listeners, Topic};

/// The one transactional database. Cloning shares it.
#[derive(Clone)]
pub struct Database {
    clock: Clock,
    inner: Arc<Inner>,
}

struct Inner {
    lanes: Lanes,
    listeners: Arc<Listeners>,
    /// Tells the other nodes; `None` where there are none.
    notifier: Option<postgres::Notifier>,
    counters: Arc<Counters>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where work waits. SQLite has one writer, so there `landing` and `write` are the same.
pub(super) struct Lanes {
    pub(super) landing: Arc<Queue>,
    pub(super) write: Arc<Queue>,
    pub(super) read: Arc<Queue>,
}

impl Lanes {
    fn close(&self) {
        for queue in [&self.landing, &self.write, &self.read] {
            queue.close();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.lanes.close();
    }
}

impl Database {
    /// Opens `sqlite:PATH`, a bare path or `postgres://...`, and brings the schema up to date, once however many
    /// nodes start at the same time. A catalog that a newer program has opened is refused.
    pub async fn open(url: &str, schema: Schema, clock: Clock) -> Result<Database> {
        let url = url.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            if url.starts_with("postgres://") || url.starts_with("postgresql://") {
                return Database::open_postgres(&url, schema, clock);
            }
            let path = url.strip_prefix("sqlite:").unwrap_or(&url);
            if path.is_empty() || path.contains("://") {
                let message = format!("`{url}` names no catalog; it should be `sqlite:PATH`, a path, or `postgres://USER@HOST/DATABASE`");
                return Err(Error::new(ErrorKind::BadRequest, message));
            }
            Database::open_sqlite(Path::new(path), schema, clock)
        });
        opened.await.map_err(|why| Error::internal("opening the catalog", why))?
    }

    fn open_sqlite(path: &Path, schema: Schema, clock: Clock) -> Result<Database> {
        let write = Arc::new(Queue::default());
        let lanes = Lanes { landing: Arc::clone(&write), write, read: Arc::default() };
        let counters = Arc::<Counters>::default();
        let threads = sqlite::start(path, schema, &clock, &lanes, &counters)?;
        let listeners = Arc::new(Listeners::new());
        Ok(Database { clock, inner: Arc::new(Inner { lanes, listeners, notifier: None, counters, threads: Mutex::new(threads) }) })
    }

    fn open_postgres(url: &str, schema: Schema, clock: Clock) -> Result<Database> {
        let lanes = Lanes { landing: Arc::default(), write: Arc::default(), read: Arc::default() };
        let counters = Arc::<Counters>::default();
        let listeners = Arc::new(Listeners::new());
        let (threads, notifier) = postgres::start(url, schema, &clock, &lanes, &counters, &listeners)?;
        Ok(Database {
            clock,
            inner: Arc::new(Inner { lanes, listeners, notifier: Some(notifier), counters, threads: Mutex::new(threads) }),
        })
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// True where other nodes may share this catalog.
    pub fn is_shared(&self) -> bool {
        self.inner.notifier.is_some()
    }

    /// Runs `work` in one transaction, which is durable when this returns `Ok`. It is a `Fn` because it is run again
    /// in a new transaction when the database asks for that.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.ask(&self.inner.lanes.write, work).await
    }

    /// Runs `work` on one snapshot, in a transaction that cannot write.
    pub async fn read<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.ask(&self.inner.lanes.read, work).await
    }

    /// Puts `work` into the landing lane, which serves one at a time; `after` brings the outcome.
    pub fn submit(&self, work: Box<dyn Submission>) {
        if let Err(work) = self.inner.lanes.landing.put(work) {
            submission::tell(work, Committed::No(closed()));
        }
    }

    async fn ask<T: Send + 'static>(&self, queue: &Queue, work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        let (work, answer) = Answer::new(work);
        queue.put(Box::new(work)).map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Overwrites what deleted rows have left in the database's file and in its log; false where readers were in the way. A
    /// server's files are its own: PostgreSQL vacuums its tables and recycles its log.
    pub async fn scrub(&self) -> Result<bool> {
        if self.is_shared() {
            return Ok(true);
        }
        sqlite::wipe(self).await?;
        Ok(self.inner.lanes.write.scrub().await.unwrap_or(false))
    }

    /// Wakes whoever waits for `topic`: here at once, on other nodes within milliseconds. Call it after the commit.
    pub fn wake(&self, topic: Topic) {
        self.inner.listeners.wake(topic);
        if let Some(notifier) = &self.inner.notifier {
            notifier.wake(topic);
        }
    }

    /// A counter that changes with every wake-up about `topic`.
    pub fn subscribe(&self, topic: Topic) -> watch::Receiver<u64> {
        self.inner.listeners.subscribe(topic)
    }

    /// Asks the database for an answer; an error says why it cannot give one.
    pub async fn ping(&self) -> Result<()> {
        self.read(|tx| tx.query("select 1", &[]).map(drop)).await
    }

    pub fn statistics(&self) -> Statistics {
        self.inner.counters.read()
    }

    /// Takes nothing more in, finishes what waits, and leaves the database in order. Calling it twice does no harm.
    pub async fn close(&self) {
        self.inner.lanes.close();
        if let Some(notifier) = &self.inner.notifier {
            notifier.close();
        }
        let threads = std::mem::take(&mut *self.inner.threads.lock());
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().filter_map(|thread| thread.join().err()).count());
        match joined.await {
            Ok(0) => {}
            _ => tracing::error!("a thread of the catalog ended in a panic"),
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Draining, "the catalog is closed: this node is stopping")
}
