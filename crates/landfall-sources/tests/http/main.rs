//! The HTTP door, asked over real connections, on a real catalog and store.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that is surprised has failed")]

mod events;
mod files;
mod open;
mod raw;
mod uploads;
