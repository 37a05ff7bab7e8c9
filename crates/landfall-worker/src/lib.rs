//! Works: jobs, each a durable unit of work on a file landing. A job has a
//! payload of ids, may run twice, and never holds a transaction while it works.
//! Whatever it records names its lease's epoch, so a worker that comes back from
//! the dead changes nothing. A new job is one file here and one line in the wiring.

mod backoff;
mod job;
pub mod stage;
mod worker;

pub use job::Job;
pub use stage::{StageJob, Stager};
pub use worker::Worker;
