//! The store from outside: one suite for both backends, then what only one of them has.

// A test's helper may fail the test as the test itself may.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod backends;
mod crashes;
mod durability;
mod full_disk;
mod lost_answers;
mod object_store;
mod objects;
mod readers;
mod segments;
mod uploads;
