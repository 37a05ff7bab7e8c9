//! Values as people read them: numbers in groups of three, sizes in units,
//! times short and in UTC.

/// `1234567` as `1,234,567`.
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub fn plural(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

const UNITS: &[&str] = &["kB", "MB", "GB", "TB", "PB"];

/// Bytes in powers of 1,000, with at most three digits: `512 B`, `1.2 MB`, `38 GB`.
pub fn size(bytes: i64) -> String {
    if bytes.unsigned_abs() < 1_000 {
        return format!("{bytes} B");
    }
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut number = bytes as f64 / 1_000.0;
    let mut unit = 0;
    while number.abs() >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1_000.0;
        unit += 1;
    }
    if number.abs() < 9.95 { format!("{number:.1} {}", UNITS[unit]) } else { format!("{number:.0} {}", UNITS[unit]) }
}

/// An RFC 3339 time in UTC, to the second: `2026-11-21 06:14:09`. What is no such time stays as it is.
pub fn short_time(text: &str) -> String {
    let bytes = text.as_bytes();
    let fits = bytes.len() >= 20 && bytes[10] == b'T' && text.ends_with('Z') && text.is_char_boundary(19);
    if fits { format!("{} {}", &text[..10], &text[11..19]) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sizes_and_times_are_short() {
        assert_eq!([count(0), count(999), count(1_000), count(-1_234_567)], ["0", "999", "1,000", "-1,234,567"]);
        assert_eq!([size(0), size(999), size(1_234), size(999_999), size(12_345_678)], ["0 B", "999 B", "1.2 kB", "1.0 MB", "12 MB"]);
        assert_eq!(short_time("2026-11-21T06:14:09.123456Z"), "2026-11-21 06:14:09");
        assert_eq!(short_time("soon"), "soon");
    }
}
