//! A body of events as a client sent it, checked whole and brought to one
//! form: one object a line.

use bytes::Bytes;
use landfall_model::{Error, ErrorKind, Result, limits};

use super::scan::{Fault, Scanner, What};

/// Events that were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// One JSON object a line, lines parted by `\n`, none behind the last.
    pub ndjson: Bytes,
    pub count: usize,
}

/// Checks one JSON object, an array of objects, or NDJSON (told by the bytes), all or nothing, and gives it back as NDJSON.
///
/// White space that means nothing is dropped between objects, and line breaks inside of them become spaces; nothing else
/// changes. A body that is in that form already is given back without a copy. An error's place is where the record
/// starts that is wrong, in the body as it came; between records, it is the byte that is wrong.
pub fn events(body: Bytes) -> Result<Events> {
    if let Err(error) = simdutf8::compat::from_utf8(&body) {
        return Err(not_utf8(&body, error.valid_up_to()));
    }
    let mut found = Found::new(&body);
    if let Err(stop) = scan(&mut found) {
        return Err(refusal(stop, &body));
    }
    let Found { first, end, copy, count, .. } = found;
    let ndjson = match (copy, first) {
        (Some(copy), _) => Bytes::from(copy),
        (None, Some(first)) => body.slice(first..end),
        (None, None) => Bytes::new(),
    };
    Ok(Events { ndjson, count })
}

/// Why a body is refused.
enum Stop {
    /// Inside the record that starts at `record`.
    Within {
        record: usize,
        fault: Fault,
    },
    /// Where a record, or what parts two of them, should be.
    Between(Fault),
    TooLarge {
        record: usize,
        bytes: usize,
    },
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Between(fault)
    }
}

/// The objects found so far: a part of the body while they stand there as they should, a copy from then on.
struct Found<'a> {
    body: &'a [u8],
    first: Option<usize>,
    end: usize,
    copy: Option<Vec<u8>>,
    count: usize,
}

impl<'a> Found<'a> {
    fn new(body: &'a [u8]) -> Found<'a> {
        Found { body, first: None, end: 0, copy: None, count: 0 }
    }

    fn take(&mut self, start: usize, end: usize) -> Result<(), Stop> {
        if end - start > limits::EVENT_BYTES_MAX {
            return Err(Stop::TooLarge { record: start, bytes: end - start });
        }
        let object = &self.body[start..end];
        let broken = memchr::memchr(b'\n', object).is_some();
        let in_place = !broken && (self.first.is_none() || &self.body[self.end..start] == b"\n");
        if self.copy.is_none() && !in_place {
            let before = self.first.map_or(&[][..], |first| &self.body[first..self.end]);
            let mut copy = Vec::with_capacity(self.body.len());
            copy.extend_from_slice(before);
            self.copy = Some(copy);
        }
        if let Some(copy) = &mut self.copy {
            if self.count > 0 {
                copy.push(b'\n');
            }
            // A string holds no raw line break, so each one stands between tokens.
            copy.extend(object.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
        }
        self.first.get_or_insert(start);
        self.end = end;
        self.count += 1;
        Ok(())
    }
}

fn scan(found: &mut Found<'_>) -> Result<(), Stop> {
    let mut scanner = Scanner::new(found.body, 0);
    scanner.space();
    match scanner.peek() {
        None => Ok(()),
        Some(b'[') => array(&mut scanner, found),
        Some(_) => objects(&mut scanner, found),
    }
}

fn object(scanner: &mut Scanner<'_>, found: &mut Found<'_>) -> Result<(), Stop> {
    let record = scanner.at;
    if scanner.peek() != Some(b'{') {
        return Ok(scanner.fault("an event, which is an object: `{`")?);
    }
    scanner.value().map_err(|fault| Stop::Within { record, fault })?;
    found.take(record, scanner.at)
}

fn array(scanner: &mut Scanner<'_>, found: &mut Found<'_>) -> Result<(), Stop> {
    scanner.at += 1;
    scanner.space();
    if scanner.peek() == Some(b']') {
        scanner.at += 1;
    } else {
        loop {
            object(scanner, found)?;
            scanner.space();
            match scanner.peek() {
                Some(b',') => scanner.at += 1,
                Some(b']') => break,
                _ => return Ok(scanner.fault("`,` or `]`")?),
            }
            scanner.space();
        }
        scanner.at += 1;
    }
    scanner.space();
    if scanner.peek().is_some() { Ok(scanner.fault("nothing behind the array")?) } else { Ok(()) }
}

fn objects(scanner: &mut Scanner<'_>, found: &mut Found<'_>) -> Result<(), Stop> {
    loop {
        object(scanner, found)?;
        let end = scanner.at;
        scanner.space();
        if scanner.peek().is_none() {
            return Ok(());
        }
        if memchr::memchr(b'\n', &found.body[end..scanner.at]).is_none() {
            return Ok(scanner.fault("a line break between two events")?);
        }
    }
}

fn refusal(stop: Stop, body: &[u8]) -> Error {
    match stop {
        Stop::TooLarge { record, bytes } => {
            let message = format!("an event has {bytes} bytes, and the most is {}; put larger things as files", limits::EVENT_BYTES_MAX);
            placed(ErrorKind::RecordTooLarge, message, body, record)
        }
        Stop::Within { record, fault } => {
            let kind = if fault.what == What::TooDeep { ErrorKind::TooDeep } else { ErrorKind::Syntax };
            let message = format!("the body is not JSON: {} at byte {} of the record", fault.reason(body), fault.at - record);
            placed(kind, message, body, record)
        }
        Stop::Between(fault) => {
            // The end of a body is where its last line ends, not the line behind that.
            let at = if fault.at < body.len() { fault.at } else { body.trim_ascii_end().len() };
            placed(ErrorKind::Syntax, format!("the body is not JSON: {}", fault.reason(body)), body, at)
        }
    }
}

/// A body whose byte `at` is the first that is not UTF-8.
fn not_utf8(body: &[u8], at: usize) -> Error {
    let message = format!("an events body is JSON in UTF-8, and byte {at} of this one is not UTF-8");
    let record = match scan(&mut Found::new(&body[..at])) {
        Err(Stop::Within { record, fault }) if fault.at >= at => record,
        _ => at,
    };
    placed(ErrorKind::NotText, message, body, record)
}

fn placed(kind: ErrorKind, message: String, body: &[u8], at: usize) -> Error {
    let line = 1 + memchr::memchr_iter(b'\n', &body[..at]).count();
    Error::new(kind, message).at(line as u64, at as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(body: &str, expected: Expect) {
        let shown = match events(Bytes::copy_from_slice(body.as_bytes())) {
            Ok(events) => format!("{} {}", events.count, String::from_utf8_lossy(&events.ndjson)),
            Err(error) => format!("{}: {error}", error.kind.code()),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn every_form_becomes_one_object_a_line() {
        check("{\"a\":1}", expect![[r#"1 {"a":1}"#]]);
        check(
            "{\"a\":1}\n{\"a\":2}\n",
            expect![[r#"
            2 {"a":1}
            {"a":2}"#]],
        );
        check(
            "{\"a\":1}\r\n\r\n{\"a\":2}\r\n",
            expect![[r#"
            2 {"a":1}
            {"a":2}"#]],
        );
        check(
            "[{\"a\":1},{\"a\":2}]",
            expect![[r#"
            2 {"a":1}
            {"a":2}"#]],
        );
        check("[{\n  \"a\": \"x\\ny\"\n}\n]", expect![[r#"1 {   "a": "x\ny" }"#]]);
        check(
            "{\n  \"a\": 1\n}\n{}\n",
            expect![[r#"
            2 {   "a": 1 }
            {}"#]],
        );
        check("[]", expect!["0 "]);
        check(" \n", expect!["0 "]);
    }

    #[test]
    fn what_is_right_already_is_not_copied() {
        for text in ["{\"a\":1}", "{\"a\":1}\n{\"a\":2}\n", " {\"a\":1}\n"] {
            let body = Bytes::copy_from_slice(text.as_bytes());
            let start = body.as_ptr() as usize;
            let given = events(body.clone()).unwrap().ndjson.as_ptr() as usize;
            assert!((start..start + body.len()).contains(&given), "{text}");
        }
    }

    #[test]
    fn a_body_is_refused_as_a_whole_with_its_place() {
        check(
            "{\"a\":1}\n{\"a\":}\n",
            expect!["syntax: the body is not JSON: expected a value, found `}` at byte 5 of the record (line 2, byte 8)"],
        );
        check(
            "{\"a\":1} {\"a\":2}",
            expect!["syntax: the body is not JSON: expected a line break between two events, found `{` (line 1, byte 8)"],
        );
        check("[{},\n5]", expect!["syntax: the body is not JSON: expected an event, which is an object: `{`, found `5` (line 2, byte 5)"]);
        check("[{}]x", expect!["syntax: the body is not JSON: expected nothing behind the array, found `x` (line 1, byte 4)"]);
        check("[{}", expect!["syntax: the body is not JSON: expected `,` or `]`, and it ends (line 1, byte 3)"]);
        check("hello", expect!["syntax: the body is not JSON: expected an event, which is an object: `{`, found `h` (line 1, byte 0)"]);
        let deep = format!("{{}}\n{{\"a\":{}", "[".repeat(100_000));
        check(
            &deep,
            expect!["too_deep: the body is not JSON: more than 64 levels of arrays and objects at byte 68 of the record (line 2, byte 3)"],
        );
        let large = format!("{{}}\n{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
        check(
            &large,
            expect!["record_too_large: an event has 1048584 bytes, and the most is 1048576; put larger things as files (line 2, byte 3)"],
        );
    }

    /// Where a body is refused: the line and the byte.
    fn place(body: &[u8]) -> (ErrorKind, u64, u64) {
        let error = events(Bytes::copy_from_slice(body)).unwrap_err();
        let place = error.place.unwrap();
        (error.kind, place.line, place.byte_offset)
    }

    #[test]
    fn a_record_that_breaks_off_is_placed_where_it_starts() {
        use ErrorKind::{NotText, Syntax};
        assert_eq!(place(b"{\"a\":1}\n{\"a\":\n"), (Syntax, 2, 8), "the end is behind the last line break");
        assert_eq!(place(b"{\"a\":1}\n{\"a\":2\n{\"a\":3}"), (Syntax, 2, 8), "it swallows the next line");
        assert_eq!(place(b"{\"a\":1}\r\n{\"a\":\r\n"), (Syntax, 2, 9), "with CRLF");
        assert_eq!(place(b"\n\n{\n  \"a\": 1,\n  \"b\":\n"), (Syntax, 3, 2), "an object over several lines");
        assert_eq!(place(b"[\n  {\"a\": 1},\n  {\"a\": 1\n   \"b\"}\n]"), (Syntax, 3, 16), "in an array");
        assert_eq!(place(b"[{}\n"), (Syntax, 1, 3), "an array that is never closed");
        assert_eq!(place(b"[\n"), (Syntax, 1, 1), "and has nothing in it");
        assert_eq!(place(b"[{},\n\n"), (Syntax, 1, 4), "or nothing more");
        assert_eq!(place(b"{\n  \"a\": 1\n}\n{\n  \"a\": \"\xff\"}"), (NotText, 4, 13), "a record that is not text");
        assert_eq!(place(b"{\"a\":1}\n\xff"), (NotText, 2, 8), "what is no record and not text");
    }
}
