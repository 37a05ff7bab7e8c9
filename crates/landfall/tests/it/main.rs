//! Stories: the real binary, on both catalogs, with real clients.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]

mod beside;
mod crash;
mod flights;
mod hostile;
mod image;
mod live;
mod node;
mod s3_door;
mod schedules;
mod standstill;
mod traffic;
mod turns;
