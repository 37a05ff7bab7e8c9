//! Lists of what the catalog holds, newest first.

pub mod jobs;
pub mod landings;
pub mod loads;
pub mod rejects;
