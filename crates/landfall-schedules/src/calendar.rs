//! When a schedule fires, and which window belongs to a fire. Pure.
//!
//! A time that a change to summer time leaves out fires at the first moment
//! behind the gap; one that a change back brings twice fires the first time. What
//! fires at an interval (`*/30 * * * *`) does so in both of the hours.

use std::str::FromStr;

use chrono::{DateTime, Days, LocalResult, TimeDelta, TimeZone};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use landfall_model::{Error, ErrorKind, Result, Schedule, Span, Timestamp, Window};

#[derive(Clone, Debug)]
pub struct Calendar {
    cron: Cron,
    zone: Tz,
    window: Option<Span>,
}

const DAY_MICROS: i64 = 86_400_000_000;

impl Calendar {
    /// An error says what is wrong with the expression, or with the zone.
    pub fn new(cron: &str, timezone: &str, window: Option<Span>) -> Result<Calendar> {
        Ok(Calendar { cron: expression(cron)?, zone: zone(timezone)?, window })
    }

    pub fn of(schedule: &Schedule) -> Result<Calendar> {
        Calendar::new(&schedule.cron, &schedule.timezone, schedule.window)
    }

    /// The first fire after `at`; `None` where there is none in the years to come.
    pub fn next(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&self.local(at)?, false).ok()?;
        Some(Timestamp(next.timestamp_micros()))
    }

    /// The last fire at or before `at`.
    pub fn last(&self, at: Timestamp) -> Option<Timestamp> {
        self.before(at.plus_micros(1))
    }

    /// The last fire before `at`. In an hour that comes twice, the one that is found may be of the second of them: then there
    /// is one before it.
    fn before(&self, at: Timestamp) -> Option<Timestamp> {
        let mut from = at;
        loop {
            let found = self.cron.find_previous_occurrence(&self.local(from)?, false).ok()?;
            let found = Timestamp(found.timestamp_micros());
            if found < at {
                return Some(found);
            }
            from = if found < from { found } else { from.plus_micros(-1_000_000) };
        }
    }

    /// What the run of a fire is about: from where the window before ended, or from the fire before if none is known.
    pub fn window(&self, fire: Timestamp, ended: Option<Timestamp>) -> Window {
        let from = match self.window {
            Some(span) => self.back(fire, span),
            None => ended.or_else(|| self.before(fire)).unwrap_or(Timestamp(0)),
        };
        Window { from: from.min(fire), to: fire }
    }

    /// The windows of all fires after `after` up to `to`, at most `limit`; the first of them begins where `ended` says.
    pub fn windows(&self, after: Timestamp, to: Timestamp, ended: Option<Timestamp>, limit: usize) -> Vec<Window> {
        let mut windows: Vec<Window> = Vec::new();
        let mut at = after;
        while let Some(fire) = self.next(at).filter(|fire| *fire <= to && windows.len() < limit) {
            windows.push(self.window(fire, windows.last().map(|window| window.to).or(ended)));
            at = fire;
        }
        windows
    }

    /// A moment as a person writes it: RFC 3339, or a day, which begins at midnight in the schedule's zone.
    pub fn moment(&self, text: &str) -> Result<Timestamp> {
        let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
        match day {
            Some(midnight) => Ok(self.at(midnight)),
            None => text.parse(),
        }
    }

    /// Whole days are days of the calendar, so that a window of a day ends where the next begins also when the clocks change.
    fn back(&self, from: Timestamp, span: Span) -> Timestamp {
        let days = u64::try_from(span.micros() / DAY_MICROS).unwrap_or(0);
        match self.local(from).filter(|_| span.micros() % DAY_MICROS == 0) {
            Some(local) => local.naive_local().checked_sub_days(Days::new(days)).map_or(Timestamp(0), |then| self.at(then)),
            None => span.before(from),
        }
    }

    /// The moment of a time on the clock; of one that is left out, the first behind the gap.
    fn at(&self, time: chrono::NaiveDateTime) -> Timestamp {
        let mut time = time;
        // No zone has ever left out more than a day.
        for _ in 0..96 {
            match self.zone.from_local_datetime(&time) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return Timestamp(at.timestamp_micros()),
                LocalResult::None => time += TimeDelta::minutes(15),
            }
        }
        Timestamp(time.and_utc().timestamp_micros())
    }

    fn local(&self, at: Timestamp) -> Option<DateTime<Tz>> {
        DateTime::from_timestamp_micros(at.micros()).map(|utc| utc.with_timezone(&self.zone))
    }
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::BadRequest, message)
}

fn expression(text: &str) -> Result<Cron> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(text).map_err(|why| {
        let why = why.to_string();
        let why = why.trim_start_matches("Invalid pattern: ").trim_end_matches('.');
        bad(format!(
            "`{text}` is not a cron expression ({why}): write minute, hour, day of the month, month and day of the week, like `0 3 * * *`"
        ))
    })
}

fn zone(name: &str) -> Result<Tz> {
    Tz::from_str(name).map_err(|_| bad(format!("`{name}` is not a time zone: write its IANA name, like `Europe/Madrid` or `UTC`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn check(cron: &str, window: Option<&str>, after: &str, expected: &[(&str, &str)]) {
        let calendar = Calendar::new(cron, "Europe/Madrid", window.map(|span| span.parse().unwrap())).unwrap();
        let found = calendar.windows(at(after), at("2027-01-01"), None, expected.len());
        let expected: Vec<_> = expected.iter().map(|(from, to)| Window { from: at(from), to: at(to) }).collect();
        assert_eq!(found, expected, "{cron} after {after}");
    }

    #[test]
    fn a_day_has_23_or_25_hours_when_the_clocks_change() {
        let spring = [
            ("2026-03-27T02:00:00Z", "2026-03-28T02:00:00Z"),
            ("2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z"),
            ("2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"),
        ];
        check("0 3 * * *", None, "2026-03-27T12:00:00Z", &spring);
        check("0 3 * * *", Some("1d"), "2026-03-27T12:00:00Z", &spring);
        let autumn = [
            ("2026-10-23T01:00:00Z", "2026-10-24T01:00:00Z"),
            ("2026-10-24T01:00:00Z", "2026-10-25T02:00:00Z"),
            ("2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"),
        ];
        check("0 3 * * *", None, "2026-10-23T12:00:00Z", &autumn);
        check("0 3 * * *", Some("24h"), "2026-10-23T12:00:00Z", &autumn);
    }

    #[test]
    fn a_time_that_is_left_out_or_comes_twice_fires_once() {
        let spring = [("2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"), ("2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z")];
        check("30 2 * * *", None, "2026-03-28T12:00:00Z", &spring);
        let autumn = [("2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"), ("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z")];
        check("30 2 * * *", None, "2026-10-24T12:00:00Z", &autumn);
    }

    #[test]
    fn what_fires_each_hour_does_so_in_both_of_the_hours() {
        let autumn = [
            ("2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
            ("2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"),
            ("2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"),
        ];
        check("0 * * * *", None, "2026-10-25T00:30:00Z", &autumn);
    }

    #[test]
    fn windows_of_days_and_of_hours_reach_back_by_the_calendar_and_by_the_clock() {
        check("0 3 * * *", Some("1w"), "2026-03-29T12:00:00Z", &[("2026-03-23T02:00:00Z", "2026-03-30T01:00:00Z")]);
        check("0 3 * * *", Some("36h"), "2026-03-28T12:00:00Z", &[("2026-03-27T13:00:00Z", "2026-03-29T01:00:00Z")]);
        // The time a day before is one that the clocks left out.
        check("30 2 * * *", Some("1d"), "2026-03-29T12:00:00Z", &[("2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z")]);
    }

    #[test]
    fn windows_follow_each_other_when_the_expression_changes() {
        let calendar = Calendar::new("0 4 * * *", "UTC", None).unwrap();
        let windows = calendar.windows(at("2026-06-01T03:00:00Z"), at("2026-06-02T12:00:00Z"), Some(at("2026-06-01T03:00:00Z")), 9);
        let ends: Vec<_> = windows.iter().map(|window| (window.from.to_string(), window.to.to_string())).collect();
        assert_eq!(
            ends,
            [
                ("2026-06-01T03:00:00.000000Z".to_owned(), "2026-06-01T04:00:00.000000Z".to_owned()),
                ("2026-06-01T04:00:00.000000Z".to_owned(), "2026-06-02T04:00:00.000000Z".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_no_expression_or_no_zone_is_refused() {
        for bad in ["", "0 3 * *", "61 * * * *", "0 3 * * * *", "every day"] {
            let error = Calendar::new(bad, "UTC", None).unwrap_err();
            assert!(error.message.contains("is not a cron expression"), "{bad}: {error}");
        }
        assert!(Calendar::new("0 3 * * *", "Europe/Madird", None).unwrap_err().message.contains("is not a time zone"));
        assert_eq!(Calendar::new("0 0 30 2 *", "UTC", None).unwrap().next(at("2026-01-01")), None);
        assert_eq!(Calendar::new("0 3 * * *", "Asia/Tokyo", None).unwrap().moment("2026-01-01").unwrap(), at("2025-12-31T15:00:00Z"));
    }
}
