//! The HTTP door, asked over real connections, on a real catalog and store.

mod events;
mod files;
mod open;
mod raw;
mod uploads;
