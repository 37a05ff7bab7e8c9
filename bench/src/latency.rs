//! Latencies of one run: a histogram from 1 µs to 10 minutes at three digits, so memory does not grow with the run.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

const MAX_MICROSECONDS: u64 = 600_000_000;

pub struct Latency(Histogram<u64>);

impl Latency {
    pub fn new() -> Result<Latency> {
        Ok(Latency(Histogram::new_with_bounds(1, MAX_MICROSECONDS, 3)?))
    }

    /// Longer than ten minutes counts as ten minutes.
    pub fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(MAX_MICROSECONDS).max(1));
    }

    pub fn merge(&mut self, other: &Latency) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// In µs; `quantile` from 0 to 1.
    pub fn at(&self, quantile: f64) -> f64 {
        crate::numbers::float(self.0.value_at_quantile(quantile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth() {
        let (mut one, mut other) = (Latency::new().unwrap(), Latency::new().unwrap());
        for us in 1..=1000 {
            if us % 2 == 0 { &mut one } else { &mut other }.record(Duration::from_micros(us));
        }
        one.merge(&other).unwrap();
        assert_eq!(one.0.len(), 1000);
        assert!((one.at(0.5) - 500.0).abs() <= 1.0, "{}", one.at(0.5));
        assert!((one.at(0.99) - 990.0).abs() <= 1.0, "{}", one.at(0.99));
    }

    #[test]
    fn an_endless_wait_is_still_counted() {
        let mut latency = Latency::new().unwrap();
        latency.record(Duration::from_secs(3600));
        assert_eq!(latency.0.len(), 1);
    }
}
