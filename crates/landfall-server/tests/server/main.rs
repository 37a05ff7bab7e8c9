//! The control API, asked over real connections, on a real catalog and store.
#![expect(clippy::unwrap_used, reason = "a test that is surprised has failed")]

mod beside;
mod control;
mod holds;
mod open;
mod purges;
mod schedules;
mod services;
mod sql;
