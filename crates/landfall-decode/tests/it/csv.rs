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
    check(
        file(text),
        expect![[r#"
        b boolean | i bigint | d double | day date | at timestamp | code text | t text | none text
        2: true | 1 | 1.5 | 2013-01-01 | 2013-01-01T10:00:00.000000Z | 007 | x | ∅
        3: false | ∅ | 2.0 | ∅ | 2013-01-02T10:00:00.000000Z | 42 | ∅ | NA
        { records: 2, bytes: 117, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn quotes_hold_delimiters_line_breaks_and_quotes() {
    check(
        file("a,b\n\"x,\ny\",\"say \"\"hi\"\"\"\n\"\",z\"z\n"),
        expect![[r#"
            a text | b text
            2: x,\ny | say "hi"
            4:  | z"z
            { records: 2, bytes: 31, rejected_records: 0, rejected_bytes: 0 }
        "#]],
    );
}

#[test]
fn every_line_break_is_one() {
    check(
        file("a,b\r\n1,2\r\n\r\n\"x\r\ny\",3\r\n4,5"),
        expect![[r#"
            a text | b bigint
            2: 1 | 2
            4: x\r\ny | 3
            6: 4 | 5
            { records: 3, bytes: 25, rejected_records: 0, rejected_bytes: 0 }
        "#]],
    );
    check(
        file("a,b\r1,2\r\r3,4\r"),
        expect![[r#"
        a bigint | b bigint
        2: 1 | 2
        4: 3 | 4
        { records: 2, bytes: 13, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    check(
        file("\n\na,b\n\n1,2\n\n"),
        expect![[r#"
        a bigint | b bigint
        5: 1 | 2
        { records: 1, bytes: 12, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn ragged_rows_and_text_behind_quotes_are_rejects() {
    check(
        file("a,b,c\n1,2,3\n4,5\n6,7,8,9\n\"x\"y,1,2\n10,11,12\n"),
        expect![[r#"
        a bigint | b bigint | c bigint
        2: 1 | 2 | 3
        6: 10 | 11 | 12
        reject line 3 byte 12: row has 2 fields, the header has 3 [4,5]
        reject line 4 byte 16: row has 4 fields, the header has 3 [6,7,8,9]
        reject line 5 byte 24: text follows a closing "; inside quotes a " is written twice [\"x\"y,1,2]
        { records: 5, bytes: 42, rejected_records: 3, rejected_bytes: 18 }
    "#]],
    );
}

#[test]
fn values_that_do_not_fit_are_rejects() {
    let case = file(
        "i,s,m,d,t\n5000000000,1,1,2013-01-01,2013-01-01\n1,x,2,2013-02-30,25:61\n2,y,1.005,2013-01-01,2013-01-01\n3,z,1.50,2013-01-01,NA\n",
    );
    check(
        case.declared("i int, s text, m decimal(5,2), d date, t timestamp"),
        expect![[r#"
        i int | s text | m decimal(5,2) | d date | t timestamp
        5: 3 | z | 1.50 | 2013-01-01 | ∅
        reject line 2 byte 10: column "i": "5000000000" does not fit an int [5000000000,1,1,2013-01-01,2013-01-01]
        reject line 3 byte 47: column "d": "2013-02-30" is not a date [1,x,2,2013-02-30,25:61]
        reject line 4 byte 70: column "m": "1.005" has more digits after the point than a decimal(5,2) keeps [2,y,1.005,2013-01-01,2013-01-01]
        { records: 4, bytes: 125, rejected_records: 3, rejected_bytes: 89 }
    "#]],
    );
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
    check(
        file(text).declared(kinds),
        expect![[r#"
        text text | boolean boolean | int int | bigint bigint | double double | decimal decimal(5,2) | date date | timestamp timestamp | json json | binary binary | list bigint[]
        2: a | true | 1 | 1 | 1000.0 | -0.50 | 2013-01-01 | 2013-01-01T10:00:00.000000Z | {"a": [1]} | 0001ff | [1, ∅, 3]
        3: NA | ∅ | ∅ | ∅ | ∅ | ∅ | ∅ | ∅ | ∅ | ∅ | []
        4:  | ∅ | ∅ | ∅ | ∅ | ∅ | ∅ | ∅ | ∅ | ∅ | ∅
        reject line 5 byte 216: column "json": "{" is not JSON [x,,,,,,,,{,,]
        reject line 6 byte 229: column "list": "[1, "x"]" is not a list, bigint[] [x,,,,,,,,,,\"[1, \"\"x\"\"]\"]
        reject line 7 byte 253: column "binary": "A" is not binary: write base64, or hexadecimal after \x [x,,,,,,,,,A,]
        { records: 6, bytes: 266, rejected_records: 3, rejected_bytes: 47 }
    "#]],
    );
}

#[test]
fn declared_columns_are_taken_by_name_and_others_left() {
    check(
        file("b,x,A\n1,2,3\n").declared("a bigint, b text, c date"),
        expect![[r#"
        a bigint | b text | c date
        2: 3 | 1 | ∅
        { records: 1, bytes: 12, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    check(
        file("x,y\n1,2\n").declared("a bigint"),
        expect![[
            r#"bad_header: none of the declared columns is in the header, which names "x", "y"; if the file has no header, set csv.header = false (line 1, byte 0)"#
        ]],
    );
}

#[test]
fn settings_say_what_the_content_does_not() {
    let csv = CsvSettings { delimiter: Some('~'), quote: Some('\''), null: Some(vec!["-".into(), "n/a".into()]), ..settings() };
    check(
        file("a~b\n'x~y'~-\nn/a~NA\n'-'~2\n").csv(csv),
        expect![[r#"
        a text | b text
        2: x~y | ∅
        3: ∅ | NA
        4: - | 2
        { records: 3, bytes: 25, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn a_file_may_have_no_header() {
    let csv = CsvSettings { header: Some(false), ..settings() };
    check(
        file("1,x\n2,y\n3\n").csv(csv.clone()),
        expect![[r#"
        column_1 bigint | column_2 text
        1: 1 | x
        2: 2 | y
        reject line 3 byte 8: row has 1 field, the first row has 2 [3]
        { records: 3, bytes: 10, rejected_records: 1, rejected_bytes: 1 }
    "#]],
    );
    check(
        file("1,x\n2,y,z\n").csv(csv).declared("n bigint, s text"),
        expect![[r#"
        n bigint | s text
        1: 1 | x
        reject line 2 byte 4: row has 3 fields, the table has 2 [2,y,z]
        { records: 2, bytes: 10, rejected_records: 1, rejected_bytes: 5 }
    "#]],
    );
}

#[test]
fn names_that_are_missing_are_numbered() {
    check(
        file(",a, b \n0,x,y\n"),
        expect![[r#"
        column_1 bigint | a text | b text
        2: 0 | x | y
        { records: 1, bytes: 13, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn encodings_become_utf_8() {
    check(
        file(b"\xef\xbb\xbfa,b\n\xc3\xa9,1\n"),
        expect![[r#"
        a text | b bigint
        2: é | 1
        { records: 1, bytes: 12, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    let utf16: Vec<u8> = "\u{feff}a,b\n\u{e9}\u{1f600},1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(
        file(utf16),
        expect![[r#"
        a text | b bigint
        2: é😀 | 1
        { records: 1, bytes: 13, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    check(
        file(b"a,b\n\xe9,1\n").csv(CsvSettings { encoding: Some(Encoding::Latin1), ..settings() }),
        expect![[r#"
        a text | b bigint
        2: é | 1
        { records: 1, bytes: 9, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn a_record_that_is_not_utf_8_is_a_reject() {
    check(
        file(b"a,b\nx,1\n\xe9,2\ny,3\n"),
        expect![[r#"
        a text | b bigint
        2: x | 1
        4: y | 3
        reject line 3 byte 8: byte 0xe9 at 0 of the record is not UTF-8; other encodings are set with csv.encoding [�,2]
        { records: 3, bytes: 16, rejected_records: 1, rejected_bytes: 3 }
    "#]],
    );
}

#[test]
fn the_name_tells_what_the_content_does_not() {
    check(
        file("a b,c\n1,2\n").named("x.tsv"),
        expect![[r#"
        a b bigint | c bigint
        2: 1 | 2
        { records: 1, bytes: 10, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    check(
        file("5\n").named("x.json"),
        expect![[r#"

        reject line 1 byte 0: a record is a JSON object, and this is a number [5]
        { records: 1, bytes: 2, rejected_records: 1, rejected_bytes: 1 }
    "#]],
    );
}

#[test]
fn files_without_records_have_none() {
    check(
        file(""),
        expect![[r#"

        { records: 0, bytes: 0, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    check(
        file("\n \n"),
        expect![[r#"

        { records: 0, bytes: 3, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    check(
        file("a,b\n"),
        expect![[r#"

        { records: 0, bytes: 4, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    check(
        file("a,b"),
        expect![[r#"

        { records: 0, bytes: 3, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}
