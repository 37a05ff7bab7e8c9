//! Days and moments: RFC 3339 and the usual SQL forms, by the proleptic
//! Gregorian calendar, years 0000 to 9999.

use super::Misfit;

const DAY_MICROS: i64 = 86_400_000_000;

/// Days since 1970-01-01 of `YYYY-MM-DD` or `YYYY/MM/DD`.
pub fn date(bytes: &[u8]) -> Result<i32, Misfit> {
    if bytes.len() != 10 {
        return Err(Misfit::Kind);
    }
    day(bytes).ok_or(Misfit::Kind)
}

/// `YYYY-MM-DD` and nothing else: what inference calls a date.
pub fn is_plain_date(bytes: &[u8]) -> bool {
    bytes.get(4) == Some(&b'-') && date(bytes).is_ok()
}

/// What inference calls a timestamp: a plain date, with or without a time.
pub fn is_plain_timestamp(bytes: &[u8]) -> bool {
    bytes.get(4) == Some(&b'-') && timestamp(bytes).is_ok()
}

/// Microseconds since 1970-01-01T00:00:00Z of a date, or of a date and a time with `T` or a space between:
/// `HH:MM[:SS[.fraction]]`, then nothing or `Z` or ` UTC` (UTC), `±HH`, `±HHMM` or `±HH:MM`. Digits behind the
/// microseconds are cut off, as the type keeps none; the leap second :60 is the moment after :59.
pub fn timestamp(bytes: &[u8]) -> Result<i64, Misfit> {
    moment(bytes).ok_or(Misfit::Kind)
}

fn moment(bytes: &[u8]) -> Option<i64> {
    let day = i64::from(day(bytes)?) * DAY_MICROS;
    if bytes.len() == 10 {
        return Some(day);
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') || bytes.get(13) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (two(bytes, 11)?, two(bytes, 14)?);
    let (second, micros, used) = match bytes.get(16) {
        Some(b':') => {
            let (micros, used) = fraction(bytes, 19)?;
            (two(bytes, 17)?, micros, used)
        }
        _ => (0, 0, 16),
    };
    if hour > 23 || minute > 59 || second > 59 + u32::from(minute == 59) {
        return None;
    }
    let offset = zone(&bytes[used..])?;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second) - offset;
    Some(day + seconds * 1_000_000 + micros)
}

/// The days of the ten bytes that `bytes` begins with.
fn day(bytes: &[u8]) -> Option<i32> {
    let head: &[u8; 10] = bytes.first_chunk()?;
    let separator = head[4];
    if !matches!(separator, b'-' | b'/') || head[7] != separator {
        return None;
    }
    let (year, month, day) = (two(head, 0)? * 100 + two(head, 2)?, two(head, 5)?, two(head, 8)?);
    if !(1..=12).contains(&month) || day < 1 || day > month_days(year, month) {
        return None;
    }
    Some(days_from_civil(i32::try_from(year).ok()?, i32::try_from(month).ok()?, i32::try_from(day).ok()?))
}

fn month_days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01: Howard Hinnant's `days_from_civil`, whose years begin in March so that the leap day is last.
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Two digits at `at`.
fn two(bytes: &[u8], at: usize) -> Option<u32> {
    let (tens, ones) = (bytes.get(at)?.wrapping_sub(b'0'), bytes.get(at + 1)?.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Microseconds of a `.digits` at `at`, if there is one, and where it ends.
fn fraction(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    if !matches!(bytes.get(at), Some(b'.' | b',')) {
        return Some((0, at));
    }
    let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let kept = bytes[at + 1..].iter().copied().take(digits).chain(std::iter::repeat(b'0')).take(6);
    let micros = kept.fold(0, |micros, digit| micros * 10 + i64::from(digit - b'0'));
    (digits > 0).then_some((micros, at + 1 + digits))
}

/// Seconds that the zone is ahead of UTC.
fn zone(bytes: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match bytes {
        b"" | b"Z" | b"z" | b" UTC" | b" Z" => return Some(0),
        [sign @ (b'+' | b'-'), _, _] => (sign, two(bytes, 1)?, 0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => (sign, two(bytes, 1)?, two(bytes, 4)?),
        [sign @ (b'+' | b'-'), _, _, _, _] => (sign, two(bytes, 1)?, two(bytes, 3)?),
        [b' ', rest @ ..] if rest.len() >= 3 && matches!(rest[0], b'+' | b'-') => return zone(rest),
        _ => return None,
    };
    let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    (hours <= 18 && minutes <= 59).then_some(if *sign == b'-' { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_since_1970() {
        for (text, days) in
            [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2013/01/01", 15_706), ("0000-03-01", -719_468)]
        {
            assert_eq!(date(text.as_bytes()), Ok(days), "{text}");
        }
        for text in ["2013-02-29", "1900-02-29", "2013-13-01", "2013-00-01", "2013-1-1", "2013-01-01x", "13-01-2013", "2013-01/01", ""] {
            assert_eq!(date(text.as_bytes()), Err(Misfit::Kind), "{text}");
        }
    }

    #[test]
    fn timestamps_are_microseconds_in_utc() {
        let second = 1_000_000;
        for (text, micros) in [
            ("1970-01-01", 0),
            ("1970-01-01 00:01", 60 * second),
            ("1970-01-01T00:00:01Z", second),
            ("1970-01-01t00:00:01.5z", 1_500_000),
            ("1970-01-01 00:00:00.123456789", 123_456),
            ("1970-01-01 01:00:00+01", 0),
            ("1970-01-01 00:00:00-0130", 5400 * second),
            ("1970-01-01T05:30:00+05:30", 0),
            ("1970-01-01 00:00:00 UTC", 0),
            ("2016-12-31T23:59:60Z", 1_483_228_800 * second),
            ("2013-01-01T10:00:00Z", 1_357_034_400 * second),
            ("1969-12-31T23:59:59.999999Z", -1),
        ] {
            assert_eq!(timestamp(text.as_bytes()), Ok(micros), "{text}");
        }
        for text in [
            "25:61",
            "1970-01-01T",
            "1970-01-01T24:00",
            "1970-01-01T00:60",
            "1970-01-01T00:00:61",
            "1970-01-01T00:00:00.",
            "1970-01-01T0:00",
        ] {
            assert_eq!(timestamp(text.as_bytes()), Err(Misfit::Kind), "{text}");
        }
        for text in
            ["1970-01-01T00:00:00+1", "1970-01-01T00:00:00 CET", "1970-01-01T00:00:00+19:00", "1970-01-01T00:00:", "1970-01-01X00:00"]
        {
            assert_eq!(timestamp(text.as_bytes()), Err(Misfit::Kind), "{text}");
        }
    }
}
