//! Facts and work in one transactional database: SQLite on one machine,
//! PostgreSQL past it. One schema and one set of verbs for both; this is the
//! only room that holds the catalog's SQL.

mod counters;
pub mod engine;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;

pub mod archives;
pub mod audit;
pub mod beside;
pub mod datasets;
pub mod dead_letters;
pub mod definitions;
pub mod events;
pub mod expiry;
pub mod files;
pub mod follows;
pub mod holds;
pub mod in_flight;
pub mod jobs;
pub mod keys;
pub mod landings;
pub mod lists;
mod load_counts;
pub mod loads;
pub mod manifests;
mod oldest;
pub mod parts;
pub mod paths;
pub mod purges;
pub mod replays;
pub mod seals;
pub mod service;
pub mod sinks;
pub mod standing;
pub mod timeline;
mod turns;
pub mod uploads;

pub use definitions::Definitions;
pub use engine::{Catalog, Committed, Statistics, Submission, Topic, Tx};
