//! Strings, as the scanner passes them: what may stand in one, and which
//! escapes there are.

use super::scan::{Kind, Scanned, Scanner};

impl Scanner<'_> {
    /// A string, from its opening quote to behind its closing one.
    #[inline]
    pub(super) fn string(&mut self) -> Scanned<Kind> {
        self.at += 1;
        let mut kind = Kind::Plain;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(kind);
                }
                Some(b'\\') => {
                    kind = Kind::Escaped;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1 + plain(&self.text[self.at + 1..]),
                Some(_) => return self.fault("an escape, for a control character in a string"),
                None => return self.fault("the end of a string"),
            }
        }
    }

    #[cold]
    fn escape(&mut self) -> Scanned<()> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.unit()? {
                // Half a pair is not a character, and no UTF-8 can hold it.
                0xd800..0xdc00 if self.text[self.at..].starts_with(b"\\u") => {
                    self.at += 1;
                    let low = self.unit()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        self.at -= 4;
                        return self.fault("the second half of a surrogate pair");
                    }
                }
                0xd800..0xe000 => return self.fault("both halves of a surrogate pair"),
                _ => {}
            },
            _ => return self.fault("one of \"\\/bfnrtu behind a backslash"),
        }
        Ok(())
    }

    /// The four digits behind the `u` at the scanner.
    fn unit(&mut self) -> Scanned<u32> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| (byte as char).to_digit(16)) else {
                return self.fault("four hexadecimal digits behind \\u");
            };
            unit = unit * 16 + digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// Bytes at the beginning that stand for themselves in a string, eight at a time: a lower bound.
#[inline]
fn plain(text: &[u8]) -> usize {
    let (words, _) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let (quote, backslash) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
        // The lowest high bit set is exact: a borrow only ever reaches bytes above the one that caused it.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let special = (quote.wrapping_sub(ONES) & !quote | backslash.wrapping_sub(ONES) & !backslash | control) & HIGHS;
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8
}
