//! JSON: lines, arrays, objects, events.

use expect_test::expect;
use landfall_decode::Outcome;
use landfall_model::{Column, Columns, Type};

use crate::show::{check, columns, file};

#[test]
fn lines_are_records_and_bad_lines_rejects() {
    let text = "{\"a\":1,\"b\":\"x\"}\r\n\n {\"b\":\"\\u00e9\\n\",\"a\":2.5} \n{\"a\":}\n[1]\n{\"a\":3} x\n{\"a\":4,\"a\":5}\n{\"c\":null}\n{\"_line\":1}";
    check(file(text), expect![[""]]);
}

#[test]
fn an_array_is_read_element_by_element() {
    check(file("[\n  {\"a\": 1,\n   \"b\": [1, {\"x\": \"]\"}]},\n  {\"a\": true, \"b\": null}, 5\n]\n"), expect![[""]]);
    check(file("[]"), expect![[""]]);
}

#[test]
fn objects_may_go_over_lines() {
    check(file("{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n"), expect![[""]]);
}

#[test]
fn damage_in_an_array_is_damage_to_all() {
    check(file("[{\"a\":1},\n{\"a\":}]"), expect![[""]]);
    check(file("[{\"a\":1},\n{\"a\":2}"), expect![[""]]);
    check(file("[{\"a\":1} {\"a\":2}]"), expect![[""]]);
    check(file("[{\"a\":1},]"), expect![[""]]);
    check(file("[{\"a\":1}]\n[{}]"), expect![[""]]);
    check(file("{\n\"a\": 1\n},\n{\n\"a\": 2\n}"), expect![[""]]);
}

#[test]
fn types_are_inferred_by_kind() {
    let text = "{\"n\":1,\"d\":1,\"s\":\"12\",\"day\":\"2013-01-01\",\"at\":\"2013-01-01\",\"mix\":1,\"nest\":{\"x\":[]},\"deep\":1}\n\
                {\"n\":-2,\"d\":0.5,\"s\":\"x\",\"day\":\"2014-01-01\",\"at\":\"2013-01-01T10:00:00Z\",\"mix\":\"x\",\"nest\":null,\"deep\":[ 1 ]}\n";
    check(file(text), expect![[""]]);
    check(file(text).events(), expect![[""]]);
}

#[test]
fn values_are_taken_where_nothing_is_lost() {
    let text = "{\"t\":1.50,\"i\":\"12\",\"b\":1.0,\"m\":12.340,\"j\":\"x\",\"l\":[\"a\",null,\"\\u0062\"],\"y\":\"AAE=\",\"f\":true}\n\
                {\"t\":true,\"i\":1.5}\n{\"i\":2147483648}\n{\"m\":0.001}\n{\"i\":\"\"}\n{\"l\":\"a\"}\n{\"l\":[[]]}\n{\"y\":5}\n{\"f\":\"maybe\"}\n{\"i\":{\"x\":1}}\n\
                {\"t\":{\"x\": 1},\"j\":[1, 2],\"other\":1}\n";
    check(file(text).declared("t text, i int, b bigint, m decimal(6,2), j json, l text[], y binary, f boolean"), expect![[""]]);
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
