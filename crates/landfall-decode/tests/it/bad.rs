//! Input that cannot be read as a whole: each answered with its code and place, in bounded memory.

use expect_test::expect;
use landfall_model::{ErrorKind, limits};

use crate::show::{check, file};

#[test]
fn a_quote_that_is_never_closed() {
    check(file("a,b\n1,2\n3,\"x\n4,5\n"), expect![[""]]);
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
    check(file("a,b,a\n1,2,3\n"), expect![[""]]);
    check(file("Id,ID\n1,2\n"), expect![[""]]);
    check(file("a,_line\n1,2\n"), expect![[""]]);
    check(file("\"a\"x,b\n1,2\n"), expect![[""]]);
    check(file(b"a,\xff\n1,2\n"), expect![[""]]);
}

#[test]
fn nesting_without_end() {
    let deep = format!("{{\"a\":1}}\n{{\"a\":{}", "[".repeat(100_000));
    check(file(&deep), expect![[""]]);
    check(file(format!("[{}", "[".repeat(100_000))), expect![[""]]);
    check(file(format!("{{\"a\":{}1{}}}\n", "[".repeat(100), "]".repeat(100))), expect![[""]]);
}

#[test]
fn what_is_not_text_or_not_known() {
    check(file(b"a,b\n\0\x01\x02"), expect![[""]]);
    check(file(b"%PDF-1.7\n%\xe2\xe3"), expect![[""]]);
    check(file("<?xml version=\"1.0\"?>\n<a/>"), expect![[""]]);
}
