//! Sample data: orders as events, a carrier's CSV files, a cold store's
//! readings. Some of it is bad, in the ways that real data is bad.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::random::Random;

pub const ORDERS: u64 = 3_000;
const FIRST_ORDER: u64 = 10_001;
const COUNTRIES: &[&str] = &["DE", "FR", "US", "NL", "IT", "ES", "JP", "BR"];
const CUSTOMERS: &[&str] =
    &["Ada Byron", "Grace Murray", "Edsger Wybe", "Barbara Jane", "Tony Charles", "Frances Elizabeth", "Niklaus Emil", "Radia Joy"];
const CARRIERS: &[&str] = &["Northwind", "Harbour & Sons", "Blue Kite", "Overland"];

/// Orders, one JSON document a line. Three have an amount that is no number.
pub fn orders() -> String {
    let mut random = Random::new(1);
    let mut text = String::new();
    for number in 0..ORDERS {
        let amount = match number {
            412 => "\"twelve\"".to_owned(),
            1_203 => "\"n/a\"".to_owned(),
            2_777 => "\"1.000,50\"".to_owned(),
            _ => format!("{}.{:02}", 5 + random.below(60) * random.below(9), random.below(100)),
        };
        let _ = writeln!(
            text,
            r#"{{"order_id":{},"customer":"{}","country":"{}","amount":{amount},"placed_at":"2026-11-{:02}T{:02}:{:02}:00Z"}}"#,
            FIRST_ORDER + number,
            random.pick(CUSTOMERS),
            random.pick(COUNTRIES),
            18 + number / 1_000,
            random.below(24),
            random.below(60),
        );
    }
    text
}

/// One day's shipments as CSV with `;`. Weights come out `factor` times as large.
pub fn shipments(day: u64, factor: u64) -> String {
    let mut random = Random::new(day);
    let mut text = "order_id;carrier;weight_kg;shipped\n".to_owned();
    for number in 0..500 {
        let grams = (200 + random.below(20_000)) * factor;
        let order = FIRST_ORDER + (day - 18) * 1_000 + number * 2;
        let _ = writeln!(text, "{order};{};{}.{:03};2026-11-{:02}", random.pick(CARRIERS), grams / 1_000, grams % 1_000, day + 1);
    }
    text
}

/// The same with a row that has lost a field, and with a weight that is no number.
pub fn shipments_with_flaws(day: u64) -> String {
    let mut text = String::new();
    for (number, line) in shipments(day, 1).lines().enumerate() {
        let _ = match number {
            97 => writeln!(text, "{}", line.rsplit_once(';').map_or(line, |(start, _)| start)),
            233 => writeln!(text, "{};heavy;2026-11-{:02}", line.splitn(3, ';').take(2).collect::<Vec<_>>().join(";"), day + 1),
            _ => writeln!(text, "{line}"),
        };
    }
    text
}

/// Readings of twelve thermometers, one JSON document a line; the sixth line is cut short.
pub fn readings() -> String {
    let mut random = Random::new(3);
    let mut text = String::new();
    for minute in 0..150 {
        for sensor in 1..=12_u64 {
            let celsius = format!("-{}.{}", 17 + random.below(3), random.below(10));
            let line = format!(
                r#"{{"sensor":"T{sensor:02}","at":"2026-11-21T{:02}:{:02}:00Z","celsius":{celsius},"door_open":{}}}"#,
                minute / 60,
                minute % 60,
                random.below(20) == 0
            );
            let cut = minute == 0 && sensor == 6;
            let _ = writeln!(text, "{}", if cut { &line[..line.len() / 2] } else { &line });
        }
    }
    text
}

pub fn gzip(text: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_the_same_every_time_and_hold_their_flaws() {
        assert_eq!(orders(), orders());
        assert_eq!(orders().lines().count(), 3_000);
        assert_eq!(shipments(18, 1).lines().count(), 501);
        let flawed = shipments_with_flaws(19);
        let short = flawed.lines().filter(|line| line.matches(';').count() != 3).count();
        assert_eq!((flawed.lines().count(), short, flawed.matches(";heavy;").count()), (501, 1, 1));
        assert_eq!(readings().lines().filter(|line| !line.ends_with('}')).count(), 1);
    }
}
