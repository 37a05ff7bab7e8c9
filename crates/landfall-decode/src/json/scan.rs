//! JSON by RFC 8259, checked and measured but not built: a scanner that says
//! where each value begins and ends. It never recurses, so no nesting can
//! end its stack, and it allocates nothing.

use std::ops::Range;

use landfall_model::limits::JSON_DEPTH_MAX;

/// What is wrong, and how many bytes into the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: usize,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Something else was expected here.
    Expected(&'static str),
    TooDeep,
}

impl Fault {
    /// A clause that reads well behind "JSON:".
    pub fn reason(&self, text: &[u8]) -> String {
        match self.what {
            What::TooDeep => format!("more than {JSON_DEPTH_MAX} levels of arrays and objects"),
            What::Expected(what) => match text.get(self.at) {
                None => format!("expected {what}, and it ends"),
                Some(byte) if byte.is_ascii_graphic() => format!("expected {what}, found `{}`", *byte as char),
                Some(byte) => format!("expected {what}, found byte 0x{byte:02x}"),
            },
        }
    }
}

pub type Scanned<T> = Result<T, Fault>;

/// What a value is, by its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// `null`, or not there.
    #[default]
    Null,
    Boolean,
    Number,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    Array,
    Object,
}

/// Containers that are open, one bit each: whether it is an object.
type Levels = u128;
const _: () = assert!(JSON_DEPTH_MAX <= Levels::BITS as usize);

pub struct Scanner<'a> {
    pub(super) text: &'a [u8],
    pub at: usize,
    /// Containers that are open around `at`.
    pub depth: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a [u8], at: usize) -> Scanner<'a> {
        Scanner { text, at, depth: 0 }
    }

    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub fn fault<T>(&self, what: &'static str) -> Scanned<T> {
        Err(Fault { at: self.at, what: What::Expected(what) })
    }

    #[inline]
    pub fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[inline]
    pub fn expect(&mut self, byte: u8, what: &'static str) -> Scanned<()> {
        if self.peek() != Some(byte) {
            return self.fault(what);
        }
        self.at += 1;
        Ok(())
    }

    /// The members of an object, one after another: `visit` gets the key with its kind of string, then the scanner before
    /// the value, which it must pass.
    pub fn object(&mut self, mut visit: impl FnMut(&mut Scanner<'a>, Range<usize>, Kind) -> Scanned<()>) -> Scanned<()> {
        self.expect(b'{', "an object")?;
        self.deeper()?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            let (key, kind) = self.key()?;
            visit(self, key, kind)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.fault("`,` or `}`"),
            }
            self.space();
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// The elements of an array: `visit` gets the scanner before each, which it must pass.
    pub fn array(&mut self, mut visit: impl FnMut(&mut Scanner<'a>) -> Scanned<()>) -> Scanned<()> {
        self.expect(b'[', "an array")?;
        self.deeper()?;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            visit(self)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.fault("`,` or `]`"),
            }
            self.space();
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    fn deeper(&mut self) -> Scanned<()> {
        self.depth += 1;
        if self.depth > JSON_DEPTH_MAX {
            return Err(Fault { at: self.at - 1, what: What::TooDeep });
        }
        Ok(())
    }

    /// A key and what follows it up to its value; the range is inside the quotes.
    #[inline]
    fn key(&mut self) -> Scanned<(Range<usize>, Kind)> {
        if self.peek() != Some(b'"') {
            return self.fault("a name in quotes");
        }
        let start = self.at + 1;
        let kind = self.string()?;
        let key = start..self.at - 1;
        self.space();
        self.expect(b':', "`:`")?;
        self.space();
        Ok((key, kind))
    }

    /// Passes one value and says what it was.
    #[inline]
    pub fn value(&mut self) -> Scanned<Kind> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => self.nested().map(|()| Kind::Object),
            Some(b'[') => self.nested().map(|()| Kind::Array),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Scanned<Kind> {
        let rest = &self.text[self.at.min(self.text.len())..];
        let (length, kind) = match rest {
            [b't', b'r', b'u', b'e', ..] => (4, Kind::Boolean),
            [b'f', b'a', b'l', b's', b'e', ..] => (5, Kind::Boolean),
            [b'n', b'u', b'l', b'l', ..] => (4, Kind::Null),
            _ => return self.fault("a value"),
        };
        self.at += length;
        Ok(kind)
    }

    fn number(&mut self) -> Scanned<Kind> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.fault("a digit"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(Kind::Number)
    }

    #[inline]
    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Scanned<()> {
        let start = self.at;
        self.digits();
        if self.at == start { self.fault("a digit") } else { Ok(()) }
    }

    /// Passes an array or object, whatever is in it.
    fn nested(&mut self) -> Scanned<()> {
        let outside = self.depth;
        let mut levels: Levels = 0;
        loop {
            // Before a value.
            let opened = match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    self.deeper()?;
                    levels = levels << 1 | Levels::from(open == b'{');
                    self.space();
                    true
                }
                _ => {
                    self.value()?;
                    false
                }
            };
            // Behind a value, or at the beginning of a container.
            let mut fresh = opened;
            loop {
                if self.depth == outside {
                    return Ok(());
                }
                let in_object = levels & 1 == 1;
                if !fresh {
                    self.space();
                }
                match (self.peek(), in_object) {
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        self.depth -= 1;
                        levels >>= 1;
                        fresh = false;
                        continue;
                    }
                    (Some(b','), _) if !fresh => {
                        self.at += 1;
                        self.space();
                    }
                    _ if fresh => {}
                    (_, true) => return self.fault("`,` or `}`"),
                    (_, false) => return self.fault("`,` or `]`"),
                }
                if in_object {
                    self.key()?;
                }
                break;
            }
        }
    }
}

/// Checks that `text` is one JSON value with nothing but white space around it.
pub fn whole(text: &[u8]) -> Scanned<Kind> {
    let mut scanner = Scanner::new(text, 0);
    scanner.space();
    let kind = scanner.value()?;
    scanner.space();
    if scanner.at < text.len() { scanner.fault("nothing behind the value") } else { Ok(kind) }
}

/// How far a value goes that may not be there as a whole.
#[derive(Debug, PartialEq, Eq)]
pub enum Extent {
    /// Where it ends.
    Ends(usize),
    /// Not before the end of the text.
    Open,
}

/// Where the value that begins at `start` ends, told by brackets and quotes alone, so that damage inside it is its own.
pub fn extent(text: &[u8], start: usize) -> Scanned<Extent> {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => match string_end(text, at + 1) {
                Some(end) => at = end,
                None => return Ok(Extent::Open),
            },
            b'{' | b'[' => {
                depth += 1;
                if depth > JSON_DEPTH_MAX {
                    return Err(Fault { at, what: What::TooDeep });
                }
                at += 1;
            }
            b'}' | b']' if depth == 0 => return Ok(Extent::Ends(at)),
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return Ok(Extent::Ends(at)),
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return Ok(Extent::Ends(at));
        }
    }
    Ok(Extent::Open)
}

/// Behind the quote that closes the string whose inside begins at `at`.
fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[found] == b'"' {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_json_passes_and_what_is_not_says_where() {
        for good in ["{}", " [1, -0.5e+3, \"a\\n\\u00e9\\ud83d\\ude00\", true, false, null, {\"a\": [[], {}]}] ", "\"\"", "0", "-1E9"] {
            assert!(whole(good.as_bytes()).is_ok(), "{good}");
        }
        for (bad, at) in [
            ("", 0),
            ("{", 1),
            ("{\"a\"}", 4),
            ("{\"a\":1,}", 7),
            ("{a:1}", 1),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("[}", 1),
            ("{\"a\":[1}", 7),
            ("01", 1),
            ("1.", 2),
            ("-", 1),
            ("1e", 2),
            ("+1", 0),
            ("nul", 0),
            ("\"a", 2),
            ("\"\n\"", 1),
            ("\"\\x\"", 2),
            ("\"\\u12g4\"", 5),
            ("\"\\ud800\"", 7),
            ("\"\\ud800\\u0041\"", 9),
            ("{} x", 3),
        ] {
            assert_eq!(whole(bad.as_bytes()).map_err(|fault| fault.at), Err(at), "{bad}");
        }
    }

    #[test]
    fn depth_has_a_limit_and_no_stack_to_end() {
        let nest = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(whole(nest(JSON_DEPTH_MAX).as_bytes()).is_ok());
        let fault = Fault { at: JSON_DEPTH_MAX, what: What::TooDeep };
        assert_eq!(whole(nest(JSON_DEPTH_MAX + 1).as_bytes()), Err(fault));
        assert_eq!(whole(nest(100_000).as_bytes()), Err(fault));
        assert_eq!(extent(nest(100_000).as_bytes(), 0), Err(fault));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_passes_and_ends_where_it_ends(value in json(), pretty: bool, tail in "[ ,\\n]?") {
            let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            prop_assert!(whole(text.as_bytes()).is_ok());
            if value.is_object() || value.is_array() || value.is_string() {
                let longer = format!("{text}{tail}");
                prop_assert_eq!(extent(longer.as_bytes(), 0), Ok(Extent::Ends(text.len())));
            }
        }

        #[test]
        fn it_agrees_with_serde_json_on_anything(text in "[\\[\\]{}:,\"\\\\ 0-9a-ftrunlse.+-]{0,24}") {
            prop_assert_eq!(whole(text.as_bytes()).is_ok(), serde_json::from_str::<serde_json::Value>(&text).is_ok() || too_large(&text));
        }
    }

    /// serde_json refuses numbers that no double holds; by the grammar they are JSON.
    fn too_large(text: &str) -> bool {
        serde_json::from_str::<serde_json::Value>(text).is_err_and(|error| error.to_string().contains("out of range"))
    }
}
