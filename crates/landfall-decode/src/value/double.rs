//! IEEE 754 numbers of 64 bits, rounded correctly.

use super::Misfit;

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

/// Whole numbers up to here are doubles exactly.
const EXACT_MAX: u64 = 1 << 53;

/// A number as Rust and C write it, with NaN and the infinities by name. What is too large for a double is a misfit,
/// not an infinity.
pub fn double(bytes: &[u8]) -> Result<f64, Misfit> {
    if let Some(value) = short(bytes) {
        return Ok(value);
    }
    long(bytes)
}

/// A number of a few digits without exponent: the quotient of two doubles that are both exact is rounded once, and so
/// correctly (Clinger's fast path).
fn short(bytes: &[u8]) -> Option<f64> {
    let (negative, rest) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if rest.len() > 17 {
        return None;
    }
    let (mut mantissa, mut point, mut digits) = (0_u64, None, 0_usize);
    for (at, &byte) in rest.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa * 10 + u64::from(digit);
            digits += 1;
        } else if byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    if digits == 0 || mantissa > EXACT_MAX {
        return None;
    }
    let fraction = point.map_or(0, |at| rest.len() - at - 1);
    // Below 2^53, so the conversion is exact.
    let value = mantissa as f64 / POWERS[fraction];
    Some(if negative { -value } else { value })
}

#[cold]
fn long(bytes: &[u8]) -> Result<f64, Misfit> {
    let text = std::str::from_utf8(bytes).map_err(|_| Misfit::Kind)?;
    let value: f64 = text.parse().map_err(|_| Misfit::Kind)?;
    let named = bytes.iter().any(|byte| matches!(byte, b'i' | b'I'));
    if value.is_infinite() && !named { Err(Misfit::Range) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles_are_read_as_rust_reads_them() {
        for text in
            ["0", "-0.0", "1", "1.5", ".5", "5.", "1e5", "-1E-5", "+3", "9007199254740993", "0.1234567890123456789", "inf", "-Infinity"]
        {
            assert_eq!(double(text.as_bytes()), Ok(text.parse().unwrap()), "{text}");
        }
        assert!(double(b"NaN").unwrap().is_nan());
        assert!(double(b"-0").unwrap().is_sign_negative());
        for (text, why) in [("1e999", Misfit::Range), ("", Misfit::Kind), ("-", Misfit::Kind), (".", Misfit::Kind), ("1_0", Misfit::Kind)] {
            assert_eq!(double(text.as_bytes()), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_is_rounded_correctly(text in "-?[0-9]{0,20}\\.?[0-9]{0,20}") {
            match text.parse::<f64>() {
                Ok(value) => prop_assert_eq!(double(text.as_bytes()), Ok(value)),
                Err(_) => prop_assert_eq!(double(text.as_bytes()), Err(Misfit::Kind)),
            }
        }
    }
}
