//! The verbs, each told as a story and held on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]

mod beside;
mod counters;
mod files;
mod jobs;
mod landing;
mod loads;
mod oldest;
mod service;
mod standing;
mod support;
mod turns;
