//! What crosses between rooms that do not import each other: small adapters,
//! each one trait of one room over a handle of another.

mod background;
mod commit;
mod definitions;
mod keep;
mod metrics;
mod replay;
mod schedules;
mod segments;
mod stager;

pub use background::Background;
pub use commit::Commit;
pub use definitions::Listener;
pub use keep::Keep;
pub use metrics::SettleMetrics;
pub use replay::Replay;
pub use schedules::{QueryAnswers, Schedules};
pub use segments::RetireSegments;
pub use stager::TableStager;
