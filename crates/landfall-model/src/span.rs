//! A length of time as configuration writes it: `90s`, `15m`, `36h`, `7d`, `2w`, `1y`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Timestamp;

/// Units, the longest first; a year is 365 days, so that it is as long in every year.
const UNITS: &[(&str, i64)] = &[("y", 365 * 86_400), ("w", 7 * 86_400), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1), ("ms", 0)];

/// At least a millisecond, at most 1,000 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    micros: i64,
}

impl Span {
    const MAX_SECONDS: i64 = 1_000 * 365 * 86_400;

    pub fn seconds(seconds: i64) -> Span {
        Span { micros: seconds.clamp(1, Span::MAX_SECONDS) * 1_000_000 }
    }

    /// What `micros` gave; what is out of bounds becomes the nearest that is not.
    pub fn of_micros(micros: i64) -> Span {
        Span { micros: micros.clamp(1_000, Span::MAX_SECONDS * 1_000_000) }
    }

    pub fn micros(self) -> i64 {
        self.micros
    }

    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.micros).unwrap_or(0))
    }

    /// The moment that lies this far before `now`.
    pub fn before(self, now: Timestamp) -> Timestamp {
        now.plus_micros(-self.micros)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit_micros =
            UNITS.iter().find(|(name, _)| *name == unit).map(|(_, seconds)| if *seconds == 0 { 1_000 } else { seconds * 1_000_000 });
        let parsed = number.parse::<i64>().ok().zip(unit_micros).and_then(|(number, unit)| number.checked_mul(unit));
        match parsed {
            Some(micros) if micros > 0 && micros <= Span::MAX_SECONDS * 1_000_000 => Ok(Span { micros }),
            _ => Err(format!(
                "`{text}` is not a length of time: write a whole number and a unit, like 90s, 15m, 36h, 7d, 2w or 1y, of 1,000 years at most"
            )),
        }
    }
}

impl fmt::Display for Span {
    /// In the longest unit that it is a whole number of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.iter().find(|(_, seconds)| *seconds > 0 && self.micros % (seconds * 1_000_000) == 0);
        match whole {
            Some((unit, seconds)) => write!(f, "{}{unit}", self.micros / (seconds * 1_000_000)),
            None => write!(f, "{}ms", self.micros / 1_000),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d|w|y)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_in_their_longest_unit() {
        for (text, shown) in
            [("7d", "1w"), ("30d", "30d"), ("36h", "36h"), ("90m", "90m"), ("500ms", "500ms"), ("120s", "2m"), ("365d", "1y")]
        {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string(), shown);
            assert_eq!(shown.parse(), Ok(span));
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for bad in ["", "7", "d", "0d", "-1d", "1.5h", "7 d", "7days", "1001y", "99999999999999999999d"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}
