//! Our Delta tables: what a table is at a version, and the one function that
//! makes the next. The protocol's own library opens tables and writes their
//! checkpoints; each commit and each step to the next version is ours, so that
//! both cost the same however many files a table has.
//!
//! What a load must know of the last one is kept in the table itself, as `txn`
//! actions: `landfall.fence` (the highest epoch), `landfall.load` and
//! `landfall.load_id` (the last load's number and id), and
//! `landfall.watermark.{region}` (up to which event they are in the table).

mod action;
mod build;
mod commit;
mod leaving;
mod log;
mod open;
mod schema;
mod state;
mod stats;
mod table;

pub use commit::{Committed, Intent, Load, Rewrite};
pub use leaving::{Leaving, Share};
pub use schema::{own_fields, table_schema};
pub use state::{File, Files, State};
pub use stats::Stats;
pub use table::{Table, Tables, root_of};

#[cfg(test)]
mod tests;
