//! The text that an escaped JSON string stands for.

/// Puts the text of `inside` (between the quotes, already scanned) at the end of `out`.
pub fn unescape(inside: &[u8], out: &mut Vec<u8>) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((&code, behind)) = rest.split_first() else { return };
        rest = behind;
        let plain = match code {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                rest = character(rest, out);
                continue;
            }
            other => other,
        };
        out.push(plain);
    }
    out.extend_from_slice(rest);
}

/// The character whose digits `rest` begins with; gives what is behind it.
fn character<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let first = unit(rest);
    let mut behind = rest.get(4..).unwrap_or_default();
    let mut point = first;
    if (0xd800..0xdc00).contains(&first) {
        let second = unit(behind.get(2..).unwrap_or_default());
        behind = behind.get(6..).unwrap_or_default();
        point = 0x10000 + ((first - 0xd800) << 10) + (second & 0x3ff);
    }
    let character = char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    behind
}

fn unit(digits: &[u8]) -> u32 {
    digits.iter().take(4).fold(0, |unit, digit| unit * 16 + (*digit as char).to_digit(16).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(inside: &str, expected: &str) {
        let mut out = Vec::new();
        unescape(inside.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        check(r#"a\"\\\/\b\f\n\r\tz"#, "a\"\\/\u{8}\u{c}\n\r\tz");
        check(r"\u00e9\ud83d\ude00\u0000", "é😀\0");
    }

    proptest! {
        #[test]
        fn what_serde_json_escapes_comes_back(text: String) {
            let quoted = serde_json::to_string(&text).unwrap();
            check(&quoted[1..quoted.len() - 1], &text);
        }
    }
}
