//! The handle: one database with the catalog's schema. What it can be asked is
//! in one file of verbs per noun.

use landfall_database::{Database, Schema};
use landfall_model::{Clock, Result};
use tokio::sync::watch;

use crate::turns::Turns;

pub use landfall_database::{Committed, Row, Statistics, Submission, Topic, Tx, Value};

const SCHEMA: Schema = &[
    include_str!("schema/0001_spine.sql"),
    include_str!("schema/0002_removals.sql"),
    include_str!("schema/0003_time.sql"),
    include_str!("schema/0004_schedules.sql"),
    include_str!("schema/0005_beside.sql"),
    include_str!("schema/0006_service_levels.sql"),
    include_str!("schema/0007_doors.sql"),
];

/// Facts and work. Cloning shares it.
#[derive(Clone)]
pub struct Catalog(Database, Turns);

impl Catalog {
    /// Opens `sqlite:PATH`, a bare path or `postgres://...`, and brings the schema up to date, once however many
    /// nodes start at the same time. A catalog that a newer program has opened is refused.
    pub async fn open(url: &str, clock: Clock) -> Result<Catalog> {
        let database = Database::open(url, SCHEMA, clock).await?;
        Ok(Catalog(database, Turns::default()))
    }

    pub fn clock(&self) -> &Clock {
        self.0.clock()
    }

    /// True where other nodes may share this catalog.
    pub fn is_shared(&self) -> bool {
        self.0.is_shared()
    }

    /// Whom this node gave its slots.
    pub(crate) fn turns(&self) -> &Turns {
        &self.1
    }

    /// Runs `work` in one transaction, which is durable when this returns `Ok`. It is a `Fn` because it is run again
    /// in a new transaction when the database asks for that.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.0.write(work).await
    }

    /// Runs `work` on one snapshot, in a transaction that cannot write.
    pub async fn read<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        self.0.read(work).await
    }

    /// Puts `work` into the landing lane, which serves one at a time; `after` brings the outcome.
    pub fn submit(&self, work: Box<dyn Submission>) {
        self.0.submit(work);
    }

    /// Overwrites what deleted rows have left in the database; false where readers were in the way.
    pub async fn scrub(&self) -> Result<bool> {
        self.0.scrub().await
    }

    /// Wakes whoever waits for `topic`: here at once, on other nodes within milliseconds. Call it after the commit.
    pub fn wake(&self, topic: Topic) {
        self.0.wake(topic);
    }

    /// A counter that changes with every wake-up about `topic`.
    pub fn subscribe(&self, topic: Topic) -> watch::Receiver<u64> {
        self.0.subscribe(topic)
    }

    /// Asks the database for an answer; an error says why it cannot give one.
    pub async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }

    pub fn statistics(&self) -> Statistics {
        self.0.statistics()
    }

    /// Takes nothing more in, finishes what waits, and leaves the database in order. Calling it twice does no harm.
    pub async fn close(&self) {
        self.0.close().await;
    }
}
