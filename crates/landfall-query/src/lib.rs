//! Answers SQL: one statement that only reads, over the tables that its caller
//! may query, streamed, within limits of time, memory and number.

pub mod live;

mod answer;
mod encode;
mod params;
mod queries;
mod run;
mod session;
mod system;
mod tables;
#[cfg(test)]
mod tests;

pub use answer::{Answer, AnswerColumn};
pub use encode::{Format, encode};
pub use queries::Queries;
