//! Understands SQL: a text becomes one statement that only reads, and a plan.
//! Nothing is read or run here.
//!
//! DataFusion's planner is generic and compiled again by each crate that calls
//! it, a minute of a cold build each time: this room is the only one that does.

mod depth;
mod failure;
mod names;
mod plan;
mod statement;

pub use failure::failure;
pub use names::fit_case;
pub use plan::plan;
pub use statement::{admit, parse, references};
