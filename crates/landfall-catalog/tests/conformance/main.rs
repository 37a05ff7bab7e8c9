//! What a catalog promises, asked of SQLite and of PostgreSQL alike.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that is surprised has failed")]

mod engine;
mod grouping;
mod log;
mod migrations;
mod outages;
mod tls;
mod wakeups;
