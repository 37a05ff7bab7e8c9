//! The decoders from outside: what each input becomes, row by row and reject by reject.

// A test says no by panicking, and says that it is skipped on stderr.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod bad;
mod containers;
mod csv;
mod json;
mod real;
mod round_trip;
mod show;
