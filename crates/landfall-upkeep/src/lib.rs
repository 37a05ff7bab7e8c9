//! Sweeps: standing tasks. A task has no input, finds out by itself what there
//! is to do, and may be killed at any line. A new one is one file here and one
//! line in the wiring.

mod archive;
mod breaches;
mod paths;
mod receipts;
mod rescue;
mod runner;
pub mod schedules;
mod seal;
mod segments;
mod services;
mod task;
mod uploads;

pub use archive::Archive;
pub use breaches::TrimBreaches;
pub use paths::SweepPaths;
pub use receipts::ExpireReceipts;
pub use rescue::RescueJobs;
pub use runner::Runner;
pub use seal::Seal;
pub use segments::SweepSegments;
pub use services::WatchServices;
pub use task::{Status, Task};
pub use uploads::SweepUploads;
