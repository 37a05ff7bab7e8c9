//! Shows what has landed and what became of it: timelines, lists, SQL over
//! HTTP, health and metrics. Each route is a file here; what it may show is
//! asked of the gate, and nothing of it holds a transaction open while it
//! streams.

mod audit;
mod control;
mod datasets;
mod dead_letters;
mod health;
mod holds;
mod keys;
mod lists;
mod metrics;
mod openapi;
mod page;
mod purges;
mod replays;
mod schedules;
mod services;
mod sql;
mod status;
mod tables;

pub use control::Control;
pub use metrics::{Scrape, install_recorder};
pub use openapi::document;
