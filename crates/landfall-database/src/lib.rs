//! Transactions on SQLite and on PostgreSQL behind one handle. It knows how to
//! run, group, repeat and answer work, and nothing of what the work means: the
//! schema and the statements are the catalog's.

mod database;
mod migrate;
mod notify;
mod postgres;
mod queue;
mod sqlite;
mod statistics;
mod submission;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
mod value;

use std::thread::JoinHandle;

use landfall_model::{Error, Result};

pub use database::Database;
pub use migrate::Schema;
pub use notify::Topic;
pub use statistics::Statistics;
pub use submission::{Committed, Submission};
pub use tx::Tx;
pub use value::{Row, Value};

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|why| Error::unavailable("cannot start a thread of the catalog", why))
}

/// The beginning of a statement, for messages.
fn short(sql: &str) -> &str {
    const CHARS: usize = 80;
    sql.char_indices().nth(CHARS).map_or(sql, |(end, _)| &sql[..end])
}
