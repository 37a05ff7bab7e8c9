//! The file: typed orders in ten columns, the same bytes for the same seed on every machine, and their sums, which
//! every peer's table must have.

use std::io::{self, Write};

use super::sums::Sums;

/// Rows of the file at scale 1: about 587 MB.
pub const ROWS: u64 = 5_000_000;

const HEADER: &str = "id,placed_at,city,price,amount,due,paid,quantity,reference,note\n";
const CITIES: [&str; 12] =
    ["Amsterdam", "Bergen", "Copenhagen", "Dublin", "Gdansk", "Hamburg", "Lisbon", "Marseille", "Oslo", "Porto", "Riga", "Valencia"];
// What a note begins with, as CSV writes it, and how many characters that is.
const NOTES: [(&str, u64); 5] =
    [("gift", 4), ("fragile goods inside", 20), ("\"red, large\"", 10), ("\"says \"\"hello\"\" \"", 13), ("leave at the back door", 22)];
const FIRST_DAY: u64 = 1_704_067_200; // 2024-01-01T00:00:00Z
const DAYS: u64 = 365;

/// splitmix64: small, and the same everywhere for ever.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Writes `rows` orders, numbered from 1.
pub fn write(out: &mut impl Write, rows: u64, seed: u64) -> io::Result<Sums> {
    let (mut random, mut sums) = (Random(seed), Sums::default());
    out.write_all(HEADER.as_bytes())?;
    for id in 1..=rows {
        row(out, &mut random, &mut sums, id)?;
    }
    Ok(sums)
}

fn row(out: &mut impl Write, random: &mut Random, sums: &mut Sums, id: u64) -> io::Result<()> {
    let second = FIRST_DAY + random.below(DAYS * 86_400);
    let (milli, city) = (random.below(1000), random.below(CITIES.len() as u64));
    let (price, cents) = (random.below(100_000_000), random.below(10_000_000));
    let (due, paid, quantity) = (random.below(DAYS), random.below(3) > 0, random.below(40) + 1);
    write!(out, "{id},")?;
    day(out, (second - FIRST_DAY) / 86_400)?;
    let (hour, minute) = (second / 3600 % 24, second / 60 % 60);
    let city_name = usize::try_from(city).map_or("", |at| CITIES[at]);
    write!(out, "T{hour:02}:{minute:02}:{:02}.{milli:03}Z,{city_name},", second % 60)?;
    write!(out, "{}.{:05},{}.{:02},", price / 100_000, price % 100_000, cents / 100, cents % 100)?;
    day(out, due)?;
    write!(out, ",{paid},{quantity},{:016x}{:08x},", random.next(), random.below(1 << 32))?;
    sums.add_row(id, second, price, cents, paid, quantity);
    sums.saw(city, due);
    // One note in eight is missing.
    let kind = usize::try_from(random.below(NOTES.len() as u64)).unwrap_or(0);
    if random.below(8) > 0 {
        out.write_all(NOTES[kind].0.as_bytes())?;
        sums.add_note(NOTES[kind].1);
    }
    out.write_all(b"\n")
}

/// The date of a day of 2024, a leap year.
fn day(out: &mut impl Write, number: u64) -> io::Result<()> {
    const LENGTHS: [u64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut left, mut month) = (number, 0);
    for length in LENGTHS {
        if left < length {
            break;
        }
        (left, month) = (left - length, month + 1);
    }
    write!(out, "2024-{:02}-{:02}", month + 1, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_writes_the_same_bytes() {
        let [one, again, other] = [7, 7, 8].map(|seed| {
            let mut out = Vec::new();
            write(&mut out, 1000, seed).unwrap();
            out
        });
        assert_eq!(one, again);
        assert_ne!(one, other);
        let text = String::from_utf8(one).unwrap();
        assert_eq!(text.lines().nth(1).unwrap(), FIRST_ROW);
        let bytes = text.len() as u64 * (ROWS / 1000);
        assert!((550_000_000..620_000_000).contains(&bytes), "{bytes}");
    }

    const FIRST_ROW: &str =
        r#"1,2024-11-28T02:41:27.804Z,Lisbon,14.72203,7236.74,2024-11-06,true,23,225ec07a9950676188795369,"says ""hello"" ""#;

    #[test]
    fn days_end_where_months_do() {
        let text = [0, 58, 59, 60, 364, 365].map(|number| {
            let mut out = Vec::new();
            day(&mut out, number).unwrap();
            String::from_utf8(out).unwrap()
        });
        assert_eq!(text, ["2024-01-01", "2024-02-28", "2024-02-29", "2024-03-01", "2024-12-30", "2024-12-31"]);
    }
}
