//! Input that cannot be read as a whole: each answered with its code and place, in bounded memory.

use expect_test::expect;
use landfall_model::{ErrorKind, limits};

use crate::show::{check, file};

#[test]
fn a_quote_that_is_never_closed() {
    check(
        file("a,b\n1,2\n3,\"x\n4,5\n"),
        expect![[
            r#"unclosed_quote: a " opens a field in this record and is never closed; inside quotes a " is written twice (line 3, byte 8)"#
        ]],
    );
    let mut text = "a,b\n1,2\n3,\"".to_owned();
    text.push_str(&"x,y\n".repeat(limits::RECORD_BYTES_MAX / 2));
    let error = file(text).error();
    assert_eq!((error.kind, error.place.unwrap().line), (ErrorKind::UnclosedQuote, 3));
}

#[test]
fn a_record_without_end() {
    let error = file(format!("a,b\n{}", "x".repeat(2 * limits::RECORD_BYTES_MAX))).error();
    assert_eq!((error.kind, error.place.unwrap().line), (ErrorKind::RecordTooLarge, 2));
    let error = file(format!("{{\"a\":1}}\n{{\"a\":\"{}\"}}", "x".repeat(2 * limits::RECORD_BYTES_MAX))).error();
    assert_eq!((error.kind, error.place.unwrap().line), (ErrorKind::RecordTooLarge, 2));
    let error = file(format!("a,b\n{}", ",".repeat(2 * limits::RECORD_BYTES_MAX))).error();
    assert_eq!(error.kind, ErrorKind::RecordTooLarge);
}

#[test]
fn headers_that_name_nothing_or_twice() {
    check(file("a,b,a\n1,2,3\n"), expect![[r#"bad_header: the header names "a" twice (line 1, byte 0)"#]]);
    check(file("Id,ID\n1,2\n"), expect![[r#"bad_header: the header names "Id" and "ID", which differ only in case (line 1, byte 0)"#]]);
    check(
        file("a,_line\n1,2\n"),
        expect!["bad_header: the header cannot name columns: `_line` is a column that every table has; rename yours (line 1, byte 0)"],
    );
    check(
        file("\"a\"x,b\n1,2\n"),
        expect![[
            r#"bad_header: the first line cannot be read: text follows a closing "; inside quotes a " is written twice (line 1, byte 0)"#
        ]],
    );
    check(
        file(b"a,\xff\n1,2\n"),
        expect!["bad_header: the name of column 2 is not UTF-8; other encodings are set with csv.encoding (line 1, byte 0)"],
    );
}

#[test]
fn nesting_without_end() {
    let deep = format!("{{\"a\":1}}\n{{\"a\":{}", "[".repeat(100_000));
    check(
        file(&deep),
        expect![
            "too_deep: a record nests more than 64 arrays and objects; flatten it, or keep the inner part as a string (line 2, byte 8)"
        ],
    );
    check(
        file(format!("[{}", "[".repeat(100_000))),
        expect![
            "too_deep: a record nests more than 64 arrays and objects; flatten it, or keep the inner part as a string (line 1, byte 1)"
        ],
    );
    check(
        file(format!("{{\"a\":{}1{}}}\n", "[".repeat(100), "]".repeat(100))),
        expect![
            "too_deep: a record nests more than 64 arrays and objects; flatten it, or keep the inner part as a string (line 1, byte 0)"
        ],
    );
}

#[test]
fn what_is_not_text_or_not_known() {
    check(
        file(b"a,b\n\0\x01\x02"),
        expect![
            "not_text: byte 4 is NUL, which text does not hold; if it is UTF-16 without a byte order mark, set csv.encoding; what can be decoded is text: CSV, NDJSON or JSON (line 1, byte 0)"
        ],
    );
    check(
        file(b"%PDF-1.7\n%\xe2\xe3"),
        expect!["not_text: this is a PDF; what can be decoded is text: CSV, NDJSON or JSON (line 1, byte 0)"],
    );
    check(
        file("<?xml version=\"1.0\"?>\n<a/>"),
        expect!["unknown_format: this is XML; what can be decoded is CSV, NDJSON and JSON, plain or in gzip, zstd, bzip2 or zip"],
    );
}
