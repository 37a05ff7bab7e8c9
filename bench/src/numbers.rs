//! Medians, and numbers as people read them.

use std::time::Duration;

/// The middle value; of an even count the lower of the two. None of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// `1,234,567`.
pub fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate, to three digits: `5,320`, `81.2k`, `2.31M`.
pub fn rate(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2}M", v / 1e6),
        v if v >= 1e4 => format!("{:.1}k", v / 1e3),
        v => thousands(v),
    }
}

/// A latency in the unit that fits: `157 µs`, `3.42 ms`, `1.20 s`.
pub fn latency(microseconds: f64) -> String {
    match microseconds {
        us if us >= 1e6 => format!("{:.2} s", us / 1e6),
        us if us >= 1e3 => format!("{:.2} ms", us / 1e3),
        us => format!("{us:.0} µs"),
    }
}

/// Megabytes (of a million bytes) a second.
pub fn megabytes_per_second(bytes: u64, time: Duration) -> f64 {
    float(bytes) / 1e6 / time.as_secs_f64()
}

/// A count as a float. Counts here stay far below 2^53.
#[allow(clippy::cast_precision_loss, reason = "counts of a run stay far below 2^53")]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// Nearly the same: sums of doubles depend on their order in the last digits.
pub fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_value_that_was_measured() {
        assert_eq!(median(&[5.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(336_776.0), "336,776");
        assert_eq!(thousands(12.0), "12");
        assert_eq!((rate(5_320.4), rate(81_234.0), rate(2_310_000.0)), ("5,320".into(), "81.2k".into(), "2.31M".into()));
        assert_eq!((latency(157.4), latency(3_420.0), latency(1_200_000.0)), ("157 µs".into(), "3.42 ms".into(), "1.20 s".into()));
    }

    #[test]
    fn close_forgives_only_the_last_digits() {
        assert!(close(1e15, 1e15 + 1.0));
        assert!(!close(1_000_000.0, 1_000_001.0));
        assert!(!close(0.0, 1.0));
    }
}
