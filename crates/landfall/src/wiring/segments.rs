//! Lets go of the segment that this node has appended to for long.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_land::Land;
use landfall_model::{Result, limits};
use landfall_upkeep::{Status, Task};

pub struct RetireSegments(pub Land);

impl Task for RetireSegments {
    fn name(&self) -> String {
        "retire segments".into()
    }

    fn every(&self) -> Duration {
        limits::SEGMENT_AGE_MAX / 10
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        self.0.retire_segments();
        Box::pin(std::future::ready(Ok(Status::Idle)))
    }
}
