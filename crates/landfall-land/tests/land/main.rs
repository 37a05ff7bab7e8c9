//! The way in, on both catalogs and a real folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]

mod events;
mod files;
mod support;
