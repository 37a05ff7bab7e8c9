//! Stages and loads: landings become data files, and data files become rows of
//! Delta Lake tables, exactly once; and keeps the tables as their datasets' time goes on.

pub mod delta;
pub mod events;
pub mod fit;
pub mod keep;
pub mod load;
pub mod stage;
