//! The control API, asked over real connections, on a real catalog and store.

mod control;
mod open;
mod sql;
