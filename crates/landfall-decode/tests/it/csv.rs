//! CSV as RFC 4180 has it and as the world does.

use expect_test::expect;
use landfall_model::{CsvSettings, Encoding};

use crate::show::{check, file};

fn settings() -> CsvSettings {
    CsvSettings::default()
}

#[test]
fn types_are_inferred_from_all_values() {
    let text = "b,i,d,day,at,code,t,none\n\
                true,1,1.5,2013-01-01,2013-01-01T10:00:00Z,007,x,\n\
                FALSE,NA,2,,2013-01-02 11:00:00+01,42,,NA\n";
    check(file(text), expect![[""]]);
}

#[test]
fn quotes_hold_delimiters_line_breaks_and_quotes() {
    check(file("a,b\n\"x,\ny\",\"say \"\"hi\"\"\"\n\"\",z\"z\n"), expect![[""]]);
}

#[test]
fn every_line_break_is_one() {
    check(file("a,b\r\n1,2\r\n\r\n\"x\r\ny\",3\r\n4,5"), expect![[""]]);
    check(file("a,b\r1,2\r\r3,4\r"), expect![[""]]);
    check(file("\n\na,b\n\n1,2\n\n"), expect![[""]]);
}

#[test]
fn ragged_rows_and_text_behind_quotes_are_rejects() {
    check(file("a,b,c\n1,2,3\n4,5\n6,7,8,9\n\"x\"y,1,2\n10,11,12\n"), expect![[""]]);
}

#[test]
fn values_that_do_not_fit_are_rejects() {
    let case = file("i,s,m,d,t\n5000000000,1,1,2013-01-01,2013-01-01\n1,x,2,2013-02-30,25:61\n2,y,1.005,2013-01-01,2013-01-01\n3,z,1.50,2013-01-01,NA\n");
    check(case.declared("i int, s text, m decimal(5,2), d date, t timestamp"), expect![[""]]);
}

#[test]
fn every_type_is_read_from_a_field() {
    let text = "text,boolean,int,bigint,double,decimal,date,timestamp,json,binary,list\n\
                a,yes,1,1.0,1e3,-0.50,2013-01-01,2013-01-01 10:00,\"{\"\"a\"\": [1]}\",AAH/,\"[1, null, 3]\"\n\
                NA,NA,,NA,NA,,NA,NA,NA,,[]\n\
                \"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n\
                x,,,,,,,,{,,\n\
                x,,,,,,,,,,\"[1, \"\"x\"\"]\"\n\
                x,,,,,,,,,A,\n";
    let kinds = "text text, boolean boolean, int int, bigint bigint, double double, decimal decimal(5,2), date date, timestamp timestamp, json json, binary binary, list bigint[]";
    check(file(text).declared(kinds), expect![[""]]);
}

#[test]
fn declared_columns_are_taken_by_name_and_others_left() {
    check(file("b,x,A\n1,2,3\n").declared("a bigint, b text, c date"), expect![[""]]);
    check(file("x,y\n1,2\n").declared("a bigint"), expect![[""]]);
}

#[test]
fn settings_say_what_the_content_does_not() {
    let csv = CsvSettings { delimiter: Some('~'), quote: Some('\''), null: Some(vec!["-".into(), "n/a".into()]), ..settings() };
    check(file("a~b\n'x~y'~-\nn/a~NA\n'-'~2\n").csv(csv), expect![[""]]);
}

#[test]
fn a_file_may_have_no_header() {
    let csv = CsvSettings { header: Some(false), ..settings() };
    check(file("1,x\n2,y\n3\n").csv(csv.clone()), expect![[""]]);
    check(file("1,x\n2,y,z\n").csv(csv).declared("n bigint, s text"), expect![[""]]);
}

#[test]
fn names_that_are_missing_are_numbered() {
    check(file(",a, b \n0,x,y\n"), expect![[""]]);
}

#[test]
fn encodings_become_utf_8() {
    check(file(b"\xef\xbb\xbfa,b\n\xc3\xa9,1\n"), expect![[""]]);
    let utf16: Vec<u8> = "\u{feff}a,b\n\u{e9}\u{1f600},1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(file(utf16), expect![[""]]);
    check(file(b"a,b\n\xe9,1\n").csv(CsvSettings { encoding: Some(Encoding::Latin1), ..settings() }), expect![[""]]);
}

#[test]
fn a_record_that_is_not_utf_8_is_a_reject() {
    check(file(b"a,b\nx,1\n\xe9,2\ny,3\n"), expect![[""]]);
}

#[test]
fn files_without_records_have_none() {
    check(file(""), expect![[""]]);
    check(file("\n \n"), expect![[""]]);
    check(file("a,b\n"), expect![[""]]);
    check(file("a,b"), expect![[""]]);
}
