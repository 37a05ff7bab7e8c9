//! Stages, loads, answers: landings become data files, data files become rows
//! of Delta Lake tables, and SQL sees them together with what still waits.

pub mod delta;
pub mod events;
pub mod live;
pub mod load;
pub mod query;
pub mod stage;
