//! Which transforms are taken, and what they make of rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use arrow::util::pretty::pretty_format_batches;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use landfall_model::{Column, ErrorKind, Type};

use super::{Transform, failure};

fn columns() -> Vec<Column> {
    let list = Type::List(Box::new(Type::Bigint));
    vec![Column::new("name", Type::Text), Column::new("n", Type::Bigint), Column::new("xs", list), Column::new("doc", Type::Json)]
}

async fn run(sql: &str) -> Result<String, String> {
    let transform = Transform::new(sql, &columns()).await.map_err(|error| error.message)?;
    let lists = [Some(vec![Some(7), Some(8)]), Some(vec![]), None];
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["a", "b", "c"])),
        Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)),
        Arc::new(StringArray::from(vec!["{}", "[]", "1"])),
        Arc::new(Int64Array::from(vec![11, 12, 13])),
    ];
    let batch = RecordBatch::try_new(transform.input_schema(), arrays).unwrap();
    let rows = RecordBatchStreamAdapter::new(batch.schema(), futures::stream::iter([Ok(batch)]));
    let rows = transform.run(Box::pin(rows)).await.map_err(|error| error.message)?;
    let batches: Vec<RecordBatch> = rows.try_collect().await.map_err(|error| failure(&error).message)?;
    Ok(pretty_format_batches(&batches).unwrap().to_string().replace("\u{1}row", "_row"))
}

async fn refusal(sql: &str, by_row: bool) -> String {
    let error = Transform::check(sql, &columns(), by_row).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadTransform);
    error.message
}

#[tokio::test]
async fn each_row_keeps_the_number_of_the_row_it_came_from() {
    let expected = "\
+-----+---+------+
| big | x | _row |
+-----+---+------+
| A   | 7 | 11   |
| A   | 8 | 11   |
+-----+---+------+";
    assert_eq!(run("select upper(name) as big, unnest(xs) as x from input where n is not null").await.unwrap(), expected);
    let expected = "\
+----+------+
| n  | _row |
+----+------+
| 10 | 11   |
| 30 | 13   |
+----+------+";
    let nested = "with t as (select n * 10 as n from (select * from input) as i) select t.n from t where n > 0";
    assert_eq!(run(nested).await.unwrap(), expected);
}

#[tokio::test]
async fn a_query_over_many_rows_loses_their_numbers() {
    let expected = "\
+-------+------+
| total | _row |
+-------+------+
| 4     |      |
+-------+------+";
    assert_eq!(run("select sum(n) as total from input").await.unwrap(), expected);
}

#[tokio::test]
async fn its_columns_have_our_types() {
    let sql = "select doc, doc as d, xs, cast(n as decimal(9,2)) as m, n > 1 as b, to_timestamp(name) as t from input";
    let columns = Transform::check(sql, &columns(), true).await.unwrap();
    let told: Vec<String> = columns.iter().map(|column| format!("{} {}", column.name, column.kind)).collect();
    assert_eq!(told, ["doc json", "d json", "xs bigint[]", "m decimal(9,2)", "b boolean", "t timestamp"]);
}

#[tokio::test]
async fn what_may_not_be_is_refused_with_its_reason() {
    for (sql, why) in [
        ("select 1; select 2", "exactly one"),
        ("drop table input", "is a `select`"),
        ("copy input to 'x.csv'", "is a `select`"),
        ("select * from other", "`other`"),
        ("select * from information_schema.tables", "information_schema.tables"),
        ("select nme from input", "nme"),
        ("select n, now() as at from input", "`now()`"),
        ("select random() as r from input", "`random()`"),
        ("select n from input where exists (select uuid() from input)", "`uuid()`"),
        ("select a.n from input a join input b on a.n = b.n", "2 times"),
        ("select n as \"_line\" from input", "`_line`"),
        ("select n as a, n as \"A\" from input", "one name"),
        ("select interval '1 day' as i from input", "`i`"),
        ("selec 1", "transform cannot run"),
    ] {
        let message = refusal(sql, false).await;
        assert!(message.contains(why), "{sql}: {message}");
    }
}

#[tokio::test]
async fn over_events_only_row_by_row_is_taken() {
    for (sql, why) in [
        ("select count(*) as c from input", "an aggregate"),
        ("select row_number() over () as r from input", "a window"),
        ("select distinct n from input", "a `distinct`"),
        ("select n from input order by n", "an `order by`"),
        ("select n from input limit 1", "a `limit`"),
        ("select n from input union all select 1", "a `union`"),
    ] {
        let message = refusal(sql, true).await;
        assert!(message.contains(why), "{sql}: {message}");
        assert!(Transform::check(sql, &columns(), false).await.is_ok(), "{sql}");
    }
    assert!(Transform::check("select n + 1 as n from input where name like 'a%'", &columns(), true).await.is_ok());
}

#[tokio::test]
async fn a_value_that_cannot_be_cast_fails_the_query() {
    let message = run("select cast(name as int) as n from input").await.unwrap_err();
    assert!(message.contains("'a'"), "{message}");
}
