//! stage
pub mod transform;
