//! JSON: lines, arrays, objects, events.

use expect_test::expect;
use landfall_decode::Outcome;
use landfall_model::{Column, Columns, Type};

use crate::show::{check, columns, file};

#[test]
fn lines_are_records_and_bad_lines_rejects() {
    let text = "{\"a\":1,\"b\":\"x\"}\r\n\n {\"b\":\"\\u00e9\\n\",\"a\":2.5} \n{\"a\":}\n[1]\n{\"a\":3} x\n{\"a\":4,\"a\":5}\n{\"c\":null}\n{\"_line\":1}";
    check(
        file(text),
        expect![[r#"
            a double | b text
            1: 1.0 | x
            3: 2.5 | é\n
            8: ∅ | ∅
            reject line 4 byte 45: not JSON: expected a value, found `}` at byte 5 of the record [{\"a\":}]
            reject line 5 byte 52: a record is a JSON object, and this is an array [[1]]
            reject line 6 byte 56: not JSON: expected nothing behind the object, found `x` at byte 8 of the record [{\"a\":3} x]
            reject line 7 byte 66: "a" is named twice in one object [{\"a\":4,\"a\":5}]
            reject line 9 byte 91: `_line` is a column that every table has; rename yours [{\"_line\":1}]
            { records: 8, bytes: 102, rejected_records: 5, rejected_bytes: 42 }
        "#]],
    );
}

#[test]
fn an_array_is_read_element_by_element() {
    check(
        file("[\n  {\"a\": 1,\n   \"b\": [1, {\"x\": \"]\"}]},\n  {\"a\": true, \"b\": null}, 5\n]\n"),
        expect![[r#"
        a text | b json
        2: 1 | [1, {"x": "]"}]
        4: true | ∅
        reject line 4 byte 65: a record is a JSON object, and this is a number [5]
        { records: 3, bytes: 69, rejected_records: 1, rejected_bytes: 1 }
    "#]],
    );
    check(
        file("[]"),
        expect![[r#"

        { records: 0, bytes: 2, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn objects_may_go_over_lines() {
    check(
        file("{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n"),
        expect![[r#"
        a bigint
        1: 1
        4: 2
        { records: 2, bytes: 26, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn damage_in_an_array_is_damage_to_all() {
    check(
        file("[{\"a\":1},\n{\"a\":}]"),
        expect!["syntax: not JSON: expected a value, found `}` at byte 5 of the record (line 2, byte 10)"],
    );
    check(file("[{\"a\":1},\n{\"a\":2}"), expect!["syntax: not JSON: the file ends in its middle: it was cut off (line 2, byte 17)"]);
    check(file("[{\"a\":1} {\"a\":2}]"), expect!["syntax: not JSON: expected `,` or `]` (line 1, byte 9)"]);
    check(file("[{\"a\":1},]"), expect!["syntax: not JSON: expected an object (line 1, byte 9)"]);
    check(file("[{\"a\":1}]\n[{}]"), expect!["syntax: not JSON: expected nothing behind the array (line 2, byte 10)"]);
    check(file("{\n\"a\": 1\n},\n{\n\"a\": 2\n}"), expect!["syntax: not JSON: expected an object (line 3, byte 10)"]);
}

#[test]
fn types_are_inferred_by_kind() {
    let text = "{\"n\":1,\"d\":1,\"s\":\"12\",\"day\":\"2013-01-01\",\"at\":\"2013-01-01\",\"mix\":1,\"nest\":{\"x\":[]},\"deep\":1}\n\
                {\"n\":-2,\"d\":0.5,\"s\":\"x\",\"day\":\"2014-01-01\",\"at\":\"2013-01-01T10:00:00Z\",\"mix\":\"x\",\"nest\":null,\"deep\":[ 1 ]}\n";
    check(
        file(text),
        expect![[r#"
        n bigint | d double | s text | day date | at timestamp | mix text | nest json | deep json
        1: 1 | 1.0 | 12 | 2013-01-01 | 2013-01-01T00:00:00.000000Z | 1 | {"x":[]} | 1
        2: -2 | 0.5 | x | 2014-01-01 | 2013-01-01T10:00:00.000000Z | x | ∅ | [ 1 ]
        { records: 2, bytes: 200, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
    check(
        file(text).events(),
        expect![[r#"
        n double | d double | s text | day text | at text | mix text | nest json | deep json
        1: 1.0 | 1.0 | 12 | 2013-01-01 | 2013-01-01 | 1 | {"x":[]} | 1
        2: -2.0 | 0.5 | x | 2014-01-01 | 2013-01-01T10:00:00Z | x | ∅ | [ 1 ]
        { records: 2, bytes: 200, rejected_records: 0, rejected_bytes: 0 }
    "#]],
    );
}

#[test]
fn values_are_taken_where_nothing_is_lost() {
    let text = "{\"t\":1.50,\"i\":\"12\",\"b\":1.0,\"m\":12.340,\"j\":\"x\",\"l\":[\"a\",null,\"\\u0062\"],\"y\":\"AAE=\",\"f\":true}\n\
                {\"t\":true,\"i\":1.5}\n{\"i\":2147483648}\n{\"m\":0.001}\n{\"i\":\"\"}\n{\"l\":\"a\"}\n{\"l\":[[]]}\n{\"y\":5}\n{\"f\":\"maybe\"}\n{\"i\":{\"x\":1}}\n\
                {\"t\":{\"x\": 1},\"j\":[1, 2],\"other\":1}\n";
    check(
        file(text).declared("t text, i int, b bigint, m decimal(6,2), j json, l text[], y binary, f boolean"),
        expect![[r#"
        t text | i int | b bigint | m decimal(6,2) | j json | l text[] | y binary | f boolean
        1: 1.50 | 12 | 1 | 12.34 | "x" | [a, ∅, b] | 0001 | true
        7: ∅ | ∅ | ∅ | ∅ | ∅ | [[]] | ∅ | ∅
        11: {"x": 1} | ∅ | ∅ | ∅ | [1, 2] | ∅ | ∅ | ∅
        reject line 2 byte 91: column "i": 1.5 is not an int [{\"t\":true,\"i\":1.5}]
        reject line 3 byte 110: column "i": 2147483648 does not fit an int [{\"i\":2147483648}]
        reject line 4 byte 127: column "m": 0.001 has more digits after the point than a decimal(6,2) keeps [{\"m\":0.001}]
        reject line 5 byte 139: column "i": "" is not an int [{\"i\":\"\"}]
        reject line 6 byte 148: column "l": "a" is not a list, text[] [{\"l\":\"a\"}]
        reject line 8 byte 169: column "y": 5 is not binary: write base64, or hexadecimal after \x [{\"y\":5}]
        reject line 9 byte 177: column "f": "maybe" is not a boolean [{\"f\":\"maybe\"}]
        reject line 10 byte 191: column "i": {"x":1} is not an int [{\"i\":{\"x\":1}}]
        { records: 11, bytes: 241, rejected_records: 8, rejected_bytes: 95 }
    "#]],
    );
}

#[test]
fn new_names_end_the_batches_and_are_all_told() {
    let text = "{\"a\":1}\n{\"a\":2,\"b\":null}\n{\"a\":3,\"c\":\"x\"}\n{\"d\":1}\n{\"c\":5,\"_key\":1,\"e\":1}\n";
    let case = file(text);
    let (decoded, outcome) = case.decode(&columns("a bigint", false)).unwrap();
    assert!(decoded.is_empty());
    assert_eq!(outcome, Outcome::NewColumns(vec![Column::new("c", Type::Text), Column::new("d", Type::Bigint)]));
    let (_, outcome) = case.decode(&columns("a bigint, c text, d bigint", false)).unwrap();
    assert!(matches!(outcome, Outcome::Done(summary) if summary.records == 5 && summary.rejected_records == 1));
    let (_, outcome) = case.decode(&columns("a bigint", true)).unwrap();
    assert!(matches!(outcome, Outcome::Done(summary) if summary.rejected_records == 0));
}

#[test]
fn a_table_without_columns_has_rows_of_nothing() {
    let (decoded, outcome) = file("{}\n{\"a\":null}\n").decode(&Columns::default()).unwrap();
    assert_eq!(decoded[0].batch.num_rows(), 2);
    assert!(matches!(outcome, Outcome::Done(summary) if summary.records == 2));
}
