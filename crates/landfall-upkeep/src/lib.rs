//! Sweeps: standing tasks. A task has no input, finds out by itself what there
//! is to do, and may be killed at any line. A new one is one file here and one
//! line in the wiring.

mod receipts;
mod rescue;
mod runner;
mod task;
mod uploads;

pub use receipts::ExpireReceipts;
pub use rescue::RescueJobs;
pub use runner::Runner;
pub use task::{Status, Task};
pub use uploads::SweepUploads;
