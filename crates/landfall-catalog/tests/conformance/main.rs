//! What a catalog promises, asked of SQLite and of PostgreSQL alike.

mod engine;
mod grouping;
mod migrations;
mod outages;
mod wakeups;
