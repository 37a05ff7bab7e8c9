//! How long to wait before the next attempt: doubling, with jitter, so that
//! what failed together does not come back together.

use std::time::Duration;

use landfall_model::{Clock, limits};

/// The wait after attempt number `attempt` (counted from 1) has failed: between half and all of the doubled first wait.
pub fn wait(attempt: u32, clock: &Clock) -> Duration {
    let doubled = limits::BACKOFF_FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(limits::BACKOFF_MAX);
    let half = doubled / 2;
    let jitter = clock.random_below(u64::try_from(half.as_micros()).unwrap_or(u64::MAX));
    half + Duration::from_micros(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_model::Timestamp;

    #[test]
    fn it_doubles_within_its_jitter_and_ends() {
        let clock = Clock::fixed(Timestamp(0), 1);
        for attempt in 1..40 {
            let full = limits::BACKOFF_FIRST.saturating_mul(1 << (attempt - 1).min(20)).min(limits::BACKOFF_MAX);
            let wait = wait(attempt, &clock);
            assert!(wait >= full / 2 && wait <= full, "attempt {attempt}: {wait:?} of {full:?}");
        }
    }
}
