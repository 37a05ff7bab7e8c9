//! Trying again what failed for a passing reason: as the server asks, or with
//! waits that double.

use std::time::Duration;

use super::Failure;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
/// Attempts in a row without progress: about a minute of trouble.
const ATTEMPTS: u32 = 12;

/// Counts attempts without progress.
#[derive(Debug, Default)]
pub struct Retry {
    attempts: u32,
}

impl Retry {
    /// Waits before the next attempt; or gives the failure back where waiting is over or would not help.
    pub async fn wait(&mut self, failure: Failure) -> Result<(), Failure> {
        self.attempts += 1;
        if !failure.passing || self.attempts >= ATTEMPTS {
            return Err(failure);
        }
        let own = FIRST.saturating_mul(1 << self.attempts.min(10)).min(LONGEST);
        tokio::time::sleep(failure.wait.unwrap_or(own)).await;
        Ok(())
    }

    pub fn progress(&mut self) {
        self.attempts = 0;
    }
}
