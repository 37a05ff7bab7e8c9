//! Partitions of a table: by the UTC day in which a landing was received, by
//! the hour where retention is under three days, by the minute where it is under
//! three hours. So retention takes out whole partitions, and is late by at most one.
//!
//! Names of all three kinds sort by time, one within the other: `2026-11-21`,
//! `2026-11-21T05`, `2026-11-21T05-07`. A table has more than one kind of them
//! after its retention was changed.

use crate::clock::Timestamp;
use crate::span::Span;

/// How long one partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    Day,
    Hour,
    Minute,
}

impl Granularity {
    pub const ALL: [Granularity; 3] = [Granularity::Day, Granularity::Hour, Granularity::Minute];

    pub fn of(retention: Option<Span>) -> Granularity {
        match retention {
            Some(span) if span < Span::seconds(3 * 3_600) => Granularity::Minute,
            Some(span) if span < Span::seconds(3 * 86_400) => Granularity::Hour,
            _ => Granularity::Day,
        }
    }

    /// Microseconds.
    pub fn length(self) -> i64 {
        match self {
            Granularity::Day => 86_400_000_000,
            Granularity::Hour => 3_600_000_000,
            Granularity::Minute => 60_000_000,
        }
    }

    /// Where the partition begins that holds `at`.
    pub fn floor(self, at: Timestamp) -> Timestamp {
        Timestamp(at.micros().div_euclid(self.length()) * self.length())
    }

    /// The name of the partition that holds `at`.
    pub fn partition(self, at: Timestamp) -> String {
        at.format(match self {
            Granularity::Day => "%Y-%m-%d",
            Granularity::Hour => "%Y-%m-%dT%H",
            Granularity::Minute => "%Y-%m-%dT%H-%M",
        })
    }
}

/// Everything received before this is over: whole partitions, so a landing may live on for the length of one.
pub fn cutoff(retention: Span, now: Timestamp) -> Timestamp {
    Granularity::of(Some(retention)).floor(retention.before(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros())
    }

    #[test]
    fn a_partition_is_as_long_as_its_retention_wants() {
        let moment = at("2026-11-21T05:07:09Z");
        let name = |retention: &str| Granularity::of(Some(retention.parse().unwrap())).partition(moment);
        assert_eq!(name("7d"), "2026-11-21");
        assert_eq!(name("3d"), "2026-11-21");
        assert_eq!(name("71h"), "2026-11-21T05");
        assert_eq!(name("3h"), "2026-11-21T05");
        assert_eq!(name("179m"), "2026-11-21T05-07");
        assert_eq!(Granularity::of(None).partition(moment), "2026-11-21");
    }

    #[test]
    fn what_is_over_ends_where_a_partition_begins() {
        let now = at("2026-11-21T05:07:09Z");
        assert_eq!(cutoff("7d".parse().unwrap(), now), at("2026-11-14T00:00:00Z"));
        assert_eq!(cutoff("24h".parse().unwrap(), now), at("2026-11-20T05:00:00Z"));
        assert_eq!(cutoff("90s".parse().unwrap(), now), at("2026-11-21T05:05:00Z"));
        let early = Timestamp(-1);
        assert_eq!(Granularity::Day.floor(early), Timestamp(-86_400_000_000));
    }

    #[test]
    fn names_sort_by_time_across_kinds() {
        let day = Granularity::Day.partition(at("2026-11-21T00:00:00Z"));
        let hour = Granularity::Hour.partition(at("2026-11-21T05:00:00Z"));
        let minute = Granularity::Minute.partition(at("2026-11-21T05:07:00Z"));
        let next = Granularity::Day.partition(at("2026-11-22T00:00:00Z"));
        assert!(day < hour && hour < minute && minute < next);
    }
}
