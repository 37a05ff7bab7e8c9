//! `true` and `false`, and the ways that databases and spreadsheets write them.

use super::Misfit;

/// Case does not matter: true, t, yes, y, on, 1 and their opposites, as PostgreSQL reads them.
pub fn boolean(bytes: &[u8]) -> Result<bool, Misfit> {
    match bytes {
        b"true" | b"1" | b"t" => return Ok(true),
        b"false" | b"0" | b"f" => return Ok(false),
        _ => {}
    }
    let is = |words: &[&str]| words.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(bytes));
    if is(&["true", "t", "yes", "y", "on"]) {
        Ok(true)
    } else if is(&["false", "f", "no", "n", "off"]) {
        Ok(false)
    } else {
        Err(Misfit::Kind)
    }
}

/// The only two words that make inference think of a boolean; `0`, `1` and `y` mean other things too often.
pub fn is_plain(bytes: &[u8]) -> bool {
    bytes.eq_ignore_ascii_case(b"true") || bytes.eq_ignore_ascii_case(b"false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_in_any_case() {
        for text in ["true", "TRUE", "t", "Yes", "1", "on"] {
            assert_eq!(boolean(text.as_bytes()), Ok(true), "{text}");
        }
        for text in ["false", "F", "no", "0", "OFF"] {
            assert_eq!(boolean(text.as_bytes()), Ok(false), "{text}");
        }
        for text in ["", "2", "tru", "null"] {
            assert_eq!(boolean(text.as_bytes()), Err(Misfit::Kind), "{text}");
        }
    }
}
