//! Stages and loads: landings become data files, and data files become rows of
//! Delta Lake tables, exactly once.

pub mod delta;
pub mod events;
pub mod load;
pub mod stage;
