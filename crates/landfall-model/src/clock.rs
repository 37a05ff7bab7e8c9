//! Time, randomness and ids come from this one seam (promise 10), so that a
//! test can fix all three. Nothing else in the workspace may ask the system.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// A moment: microseconds since 1970-01-01T00:00:00Z, as the catalog and the tables store it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub fn micros(self) -> i64 {
        self.0
    }

    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This moment moved by `micros`, saturating at the ends of time.
    pub fn plus_micros(self, micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros))
    }

    pub fn plus(self, span: std::time::Duration) -> Timestamp {
        self.plus_micros(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
    }

    /// The UTC day, `YYYY-MM-DD`.
    pub fn day(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// In UTC, by a pattern of strftime.
    pub(crate) fn format(self, pattern: &str) -> String {
        self.utc().format(pattern).to_string()
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// RFC 3339, or a day in UTC, which begins at midnight.
    fn from_str(text: &str) -> Result<Timestamp, Error> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Timestamp(at.timestamp_micros()));
        }
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
        let message = || format!("`{text}` is not a moment: write it like 2026-11-21T05:07:09Z, or a day like 2026-11-21");
        day.map(|at| Timestamp(at.and_utc().timestamp_micros())).ok_or_else(|| Error::new(ErrorKind::BadRequest, message()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

/// The seam itself. Cloning shares it.
#[derive(Clone)]
pub struct Clock(Arc<Seam>);

enum Seam {
    System,
    Fixed { now: Mutex<i64>, random: Box<Mutex<StdRng>> },
}

impl Clock {
    /// The machine's clock and its random numbers.
    pub fn system() -> Clock {
        Clock(Arc::new(Seam::System))
    }

    /// A clock that stands at `start` until `advance` moves it, with random numbers from `seed`.
    pub fn fixed(start: Timestamp, seed: u64) -> Clock {
        let random = Box::new(Mutex::new(StdRng::seed_from_u64(seed)));
        Clock(Arc::new(Seam::Fixed { now: Mutex::new(start.0), random }))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Seam::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            Seam::Fixed { now, .. } => Timestamp(*now.lock()),
        }
    }

    /// Moves a fixed clock; the system's clock is not ours to move, so there it does nothing.
    pub fn advance(&self, span: std::time::Duration) {
        if let Seam::Fixed { now, .. } = &*self.0 {
            let mut now = now.lock();
            *now = Timestamp(*now).plus(span).0;
        }
    }

    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &*self.0 {
            Seam::System => rand::rng().fill_bytes(&mut bytes),
            Seam::Fixed { random, .. } => random.lock().fill_bytes(&mut bytes),
        }
        bytes
    }

    /// A number in `0..bound`, for jitter; `bound` 0 gives 0.
    pub fn random_below(&self, bound: u64) -> u64 {
        u64::from_le_bytes(self.random_bytes()).checked_rem(bound).unwrap_or(0)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told_and_repeats_its_numbers() {
        let (a, b) = (Clock::fixed(Timestamp(5), 1), Clock::fixed(Timestamp(5), 1));
        assert_eq!(a.random_bytes::<16>(), b.random_bytes::<16>());
        a.advance(std::time::Duration::from_secs(1));
        assert_eq!((a.now(), b.now()), (Timestamp(1_000_005), Timestamp(5)));
    }

    #[test]
    fn a_timestamp_reads_as_rfc_3339() {
        assert_eq!(Timestamp(1_700_000_000_123_456).to_string(), "2023-11-14T22:13:20.123456Z");
        assert_eq!(Timestamp(-1).day(), "1969-12-31");
    }
}
