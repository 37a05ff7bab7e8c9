//! What answers look like as bytes, in each form.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use futures::StreamExt;
use landfall_model::{Column, ErrorKind, Type};

use super::*;
use crate::live::schema::table_schema;

fn answer(columns: Vec<(&str, ArrayRef)>) -> Answer {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    Answer::new(batch.schema(), futures::stream::iter([Ok(batch)]).boxed())
}

async fn text(answer: Answer, format: Format) -> String {
    let mut bytes = Vec::new();
    let mut chunks = encode(answer, format);
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

fn kinds() -> Answer {
    let decimal = Decimal128Array::from(vec![Some(1_250), None]).with_precision_and_scale(10, 2).unwrap();
    answer(vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), Some(9_007_199_254_740_993)]))),
        ("u", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("x", Arc::new(Float64Array::from(vec![Some(1.5), Some(f64::NAN)]))),
        ("price", Arc::new(decimal)),
        ("day", Arc::new(Date32Array::from(vec![Some(0), Some(-1)]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_700_000_000_123_456), Some(0)]).with_timezone("UTC"))),
        ("name", Arc::new(StringArray::from(vec![Some("a \"b\",\nc"), Some("")]))),
        ("raw", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None]))),
    ])
}

#[tokio::test]
async fn json_keeps_every_value_exact() {
    let json: serde_json::Value = serde_json::from_str(&text(kinds(), Format::Json).await).unwrap();
    let words: Vec<_> = json["columns"].as_array().unwrap().iter().map(|column| column["type"].as_str().unwrap()).collect();
    assert_eq!(words, ["bigint", "bigint", "boolean", "double", "decimal(10,2)", "date", "timestamp", "text", "binary"]);
    let first = serde_json::json!([
        1,
        "18446744073709551615",
        true,
        1.5,
        "12.50",
        "1970-01-01",
        "2023-11-14T22:13:20.123456Z",
        "a \"b\",\nc",
        "AP8="
    ]);
    let second = serde_json::json!(["9007199254740993", null, null, "NaN", null, "1969-12-31", "1970-01-01T00:00:00Z", "", null]);
    assert_eq!(json["rows"], serde_json::json!([first, second]));
}

#[tokio::test]
async fn csv_tells_null_from_the_empty_text() {
    let expected = "id,u,ok,x,price,day,at,name,raw\n\
                    1,18446744073709551615,true,1.5,12.50,1970-01-01,2023-11-14T22:13:20.123456Z,\"a \"\"b\"\",\nc\",AP8=\n\
                    9007199254740993,,,NaN,,1969-12-31,1970-01-01T00:00:00Z,\"\",\n";
    assert_eq!(text(kinds(), Format::Csv).await, expected);
}

#[tokio::test]
async fn ndjson_is_one_object_a_row() {
    let out = text(answer(vec![("a\"", Arc::new(Int64Array::from(vec![Some(1), None])))]), Format::Ndjson).await;
    assert_eq!(out, "{\"a\\\"\":1}\n{\"a\\\"\":null}\n");
}

#[tokio::test]
async fn json_columns_and_lists_nest() {
    let doc = table_schema(&[Column::new("doc", Type::Json)]).field(0).clone();
    let list = arrow::array::ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]);
    let schema = Arc::new(Schema::new(vec![doc, Field::new("list", list_type(&list), true)]));
    let docs = arrow::array::StringViewArray::from(vec![Some("{\"k\": [1]}"), Some("{\"cut")]);
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(docs), Arc::new(list)]).unwrap();
    let out = text(Answer::new(schema, futures::stream::iter([Ok(batch)]).boxed()), Format::Json).await;
    let expected = "{\"columns\":[{\"name\":\"doc\",\"type\":\"json\"},{\"name\":\"list\",\"type\":\"bigint[]\"}],\"rows\":[\n\
                    [{\"k\": [1]},[1,null]],\n[\"{\\\"cut\",null]\n]}\n";
    assert_eq!(out, expected);
}

fn list_type(list: &arrow::array::ListArray) -> DataType {
    arrow::array::Array::data_type(list).clone()
}

#[tokio::test]
async fn arrow_reads_back() {
    let mut bytes = Vec::new();
    let mut chunks = encode(kinds(), Format::Arrow);
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    let batches: Vec<_> = arrow::ipc::reader::StreamReader::try_new(&bytes[..], None).unwrap().collect();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].as_ref().unwrap().num_rows(), 2);
}

#[tokio::test]
async fn an_answer_without_rows_is_whole() {
    let empty = || answer(vec![("a", Arc::new(Int64Array::from(Vec::<i64>::new())))]);
    assert_eq!(text(empty(), Format::Json).await, "{\"columns\":[{\"name\":\"a\",\"type\":\"bigint\"}],\"rows\":[\n]}\n");
    assert_eq!(text(empty(), Format::Csv).await, "a\n");
    assert_eq!(text(empty(), Format::Ndjson).await, "");
}

#[tokio::test]
async fn an_answer_that_fails_half_way_ends_in_the_error() {
    for format in Format::ALL {
        let Answer { schema, rows, .. } = kinds();
        let failed = futures::stream::iter([Err(landfall_model::Error::new(ErrorKind::QueryTimeout, "too long"))]);
        let chunks: Vec<_> = encode(Answer::new(schema, rows.chain(failed).boxed()), *format).collect().await;
        let (last, before) = chunks.split_last().unwrap();
        assert_eq!(last.as_ref().unwrap_err().kind, ErrorKind::QueryTimeout, "{format:?}");
        assert!(before.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn many_rows_leave_in_chunks_of_bounded_size() {
    let ids: Vec<i64> = (0..100_000).collect();
    let sum = ids.iter().sum::<i64>();
    let mut chunks = encode(answer(vec![("id", Arc::new(Int64Array::from(ids)))]), Format::Ndjson);
    let (mut largest, mut bytes) = (0, Vec::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.unwrap();
        largest = largest.max(chunk.len());
        bytes.extend_from_slice(&chunk);
    }
    assert!(largest < CHUNK_BYTES + 64, "{largest}");
    let rows = std::str::from_utf8(&bytes).unwrap().lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(rows.map(|row| row["id"].as_i64().unwrap()).sum::<i64>(), sum);
}
