//! Decimal numbers, exact to the last digit: never through a binary fraction.

use super::Misfit;

/// The unscaled value of `bytes` as a decimal(`precision`, `scale`): `1.5` at scale 2 is 150.
///
/// Read: an optional sign, digits with at most one point, an optional exponent. Zeros that say nothing
/// (before the number, or after its last digit) never make it too long.
pub fn decimal(bytes: &[u8], precision: u8, scale: u8) -> Result<i128, Misfit> {
    let (negative, rest) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let number = significand(rest)?;
    if number.digits == 0 {
        return Ok(0);
    }
    let shift = number.exponent + i64::from(scale);
    if shift < 0 {
        // The last digit is not zero, and it would fall behind the scale.
        return Err(Misfit::Scale);
    }
    if i64::from(number.digits) + shift > i64::from(precision) {
        return Err(Misfit::Range);
    }
    let shift = u32::try_from(shift).map_err(|_| Misfit::Range)?;
    let unscaled = 10_i128.checked_pow(shift).and_then(|power| number.mantissa.checked_mul(power)).ok_or(Misfit::Range)?;
    Ok(if negative { -unscaled } else { unscaled })
}

/// `mantissa` × 10^`exponent`, where the mantissa has `digits` digits and the last is not zero.
struct Significand {
    mantissa: i128,
    digits: u32,
    exponent: i64,
}

const DIGITS_MAX: u32 = 38;

fn significand(bytes: &[u8]) -> Result<Significand, Misfit> {
    let (mut mantissa, mut digits) = (0_i128, 0_u32);
    // Zeros seen since the last digit that was not zero: they count only if another follows.
    let mut zeros = 0_u32;
    let (mut fraction, mut point, mut any) = (0_i64, false, false);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'0' if digits == 0 => {}
            b'0' => zeros += 1,
            b'1'..=b'9' => {
                digits = digits.saturating_add(zeros).saturating_add(1);
                if digits > DIGITS_MAX {
                    return Err(if point { Misfit::Scale } else { Misfit::Range });
                }
                mantissa = mantissa * 10_i128.pow(zeros + 1) + i128::from(byte - b'0');
                zeros = 0;
            }
            b'.' if !point => point = true,
            b'e' | b'E' if any => break,
            _ => return Err(Misfit::Kind),
        }
        if byte != b'.' {
            any = true;
            fraction += i64::from(point);
        }
        at += 1;
    }
    if !any {
        return Err(Misfit::Kind);
    }
    let written = if at < bytes.len() { exponent(&bytes[at + 1..])? } else { 0 };
    Ok(Significand { mantissa, digits, exponent: i64::from(zeros) - fraction + written })
}

/// Larger exponents than any type holds all mean the same.
const EXPONENT_MAX: i64 = 1 << 40;

fn exponent(bytes: &[u8]) -> Result<i64, Misfit> {
    let (sign, digits) = match bytes {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Misfit::Kind);
    }
    Ok(sign * digits.iter().fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, unscaled) in [
            ("0", 0),
            ("-0.00", 0),
            ("1", 100),
            ("+1.5", 150),
            ("-12.34", -1234),
            (".5", 50),
            ("5.", 500),
            ("0012.340000000000000000000000000000000000000000000", 1234),
            ("1e2", 10_000),
            ("1234e-2", 1234),
            ("99999999.99", 9_999_999_999),
        ] {
            assert_eq!(decimal(text.as_bytes(), 10, 2), Ok(unscaled), "{text}");
        }
        assert_eq!(decimal(b"-99999999999999999999999999999999999999", 38, 0), Ok(-(10_i128.pow(38) - 1)));
    }

    #[test]
    fn decimals_that_do_not_fit_say_why() {
        for (text, why) in [
            ("1.005", Misfit::Scale),
            ("1e-3", Misfit::Scale),
            ("100000000", Misfit::Range),
            ("1e999999999999999999999", Misfit::Range),
            ("1e-999999999999999999999", Misfit::Scale),
            ("123456789012345678901234567890123456789", Misfit::Range),
            ("", Misfit::Kind),
            (".", Misfit::Kind),
            ("-", Misfit::Kind),
            ("1e", Misfit::Kind),
            ("e1", Misfit::Kind),
            ("1.2.3", Misfit::Kind),
            ("1,5", Misfit::Kind),
            ("NaN", Misfit::Kind),
        ] {
            assert_eq!(decimal(text.as_bytes(), 10, 2), Err(why), "{text}");
        }
    }
}
