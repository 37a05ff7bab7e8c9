//! Whole numbers of 32 and 64 bits.

use super::{Misfit, decimal};

/// Digits that always fit 64 bits, so that the usual number is read without a check at each digit.
const SAFE_DIGITS: usize = 18;

/// Digits of the largest 64-bit number.
const BIGINT_DIGITS: u8 = 19;

/// A whole number; `1.0` and `1e3` are whole too.
pub fn bigint(bytes: &[u8]) -> Result<i64, Misfit> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > SAFE_DIGITS {
        return exact(bytes);
    }
    let mut value = 0_i64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return exact(bytes);
        }
        value = value * 10 + i64::from(digit);
    }
    Ok(if negative { -value } else { value })
}

pub fn int(bytes: &[u8]) -> Result<i32, Misfit> {
    i32::try_from(bigint(bytes)?).map_err(|_| Misfit::Range)
}

/// The unusual forms: a plus sign, nineteen digits, a point with zeros behind it, an exponent.
#[cold]
fn exact(bytes: &[u8]) -> Result<i64, Misfit> {
    let value = decimal::decimal(bytes, BIGINT_DIGITS, 0).map_err(|misfit| if misfit == Misfit::Scale { Misfit::Kind } else { misfit })?;
    i64::try_from(value).map_err(|_| Misfit::Range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_to_their_ends() {
        for (text, value) in [
            ("0", 0),
            ("-7", -7),
            ("+7", 7),
            ("007", 7),
            ("1.0", 1),
            ("1e3", 1000),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(bigint(text.as_bytes()), Ok(value), "{text}");
        }
        for (text, why) in
            [("9223372036854775808", Misfit::Range), ("1.5", Misfit::Kind), ("", Misfit::Kind), ("-", Misfit::Kind), ("12a", Misfit::Kind)]
        {
            assert_eq!(bigint(text.as_bytes()), Err(why), "{text}");
        }
        assert_eq!((int(b"2147483647"), int(b"-2147483649")), (Ok(i32::MAX), Err(Misfit::Range)));
    }
}
