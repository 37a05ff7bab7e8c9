//! The columns of a table: as ours, as Arrow's and as the Delta protocol's
//! (protocol.md, "Schema Serialization Format"). A dataset's own columns come
//! first, then the system's; the partition column is last in the log and in no file.
//!
//! Names are written as they are. Without column mapping the protocol's readers
//! take any name (delta-rs, Polars and DuckDB do; Spark reads, but does not
//! write, names with ` ,;{}()=`); mapping would shut out readers of version 1.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use landfall_decode::arrow_type;
use landfall_model::{Column, Columns, Error, ErrorKind, Result, Type};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Marks a Delta string that holds JSON text.
const TYPE_KEY: &str = "landfall.type";

/// The Arrow fields of a dataset's own columns; all may be null.
pub fn own_fields(columns: &[Column]) -> Vec<Field> {
    columns.iter().map(|column| Field::new(&column.name, arrow_type(&column.kind), true)).collect()
}

/// The Arrow fields of `Columns::SYSTEM`, in that order; all may be null.
fn system_fields() -> Vec<Field> {
    let types =
        [DataType::Utf8, DataType::Utf8, DataType::Int64, DataType::Utf8, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))];
    Columns::SYSTEM.iter().zip(types).map(|(name, kind)| Field::new(*name, kind, true)).collect()
}

/// What a data file of a table with these own columns holds, and what SQL shows of it.
pub fn table_schema(columns: &[Column]) -> SchemaRef {
    let fields: Fields = own_fields(columns).into_iter().chain(system_fields()).collect();
    Arc::new(Schema::new(fields))
}

#[derive(Serialize, Deserialize)]
struct Struct {
    #[serde(rename = "type")]
    tag: String,
    fields: Vec<StructField>,
}

#[derive(Serialize, Deserialize)]
struct StructField {
    name: String,
    #[serde(rename = "type")]
    kind: Value,
    nullable: bool,
    #[serde(default)]
    metadata: Value,
}

/// The Delta schema of a table with these own columns.
pub(super) fn to_delta(columns: &[Column]) -> String {
    let field = |name: &str, kind: Value, metadata: Value| json!({"name": name, "type": kind, "nullable": true, "metadata": metadata});
    let own = columns.iter().map(|column| field(&column.name, type_to_delta(&column.kind), type_metadata(&column.kind)));
    let kinds = ["string", "string", "long", "string", "timestamp"];
    let system = Columns::SYSTEM.iter().zip(kinds).map(|(name, kind)| field(name, json!(kind), json!({})));
    let partition = field(Columns::PARTITION, json!("string"), json!({}));
    let fields: Vec<Value> = own.chain(system).chain([partition]).collect();
    json!({"type": "struct", "fields": fields}).to_string()
}

/// The own columns of a table with this Delta schema.
pub(super) fn from_delta(text: &str) -> Result<Vec<Column>> {
    let schema: Struct = serde_json::from_str(text).map_err(|why| corrupt(&why.to_string()))?;
    let own = schema.fields.into_iter().filter(|field| !is_ours(&field.name));
    own.map(|field| {
        let json = innermost(&field.metadata) == "json";
        type_from_delta(&field.kind, json)
            .map(|kind| Column::new(&field.name, kind))
            .ok_or_else(|| corrupt(&format!("the column `{}` has the type {}, which no column of ours has", field.name, field.kind)))
    })
    .collect()
}

fn is_ours(name: &str) -> bool {
    Columns::SYSTEM.contains(&name) || name == Columns::PARTITION
}

fn corrupt(why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the schema in the table's log cannot be read: {why}"))
}

fn innermost(metadata: &Value) -> &str {
    metadata.get(TYPE_KEY).and_then(Value::as_str).unwrap_or_default()
}

/// The metadata of a column whose innermost type the Delta type alone does not tell.
fn type_metadata(kind: &Type) -> Value {
    match kind {
        Type::Json => json!({ TYPE_KEY: "json" }),
        Type::List(item) => type_metadata(item),
        _ => json!({}),
    }
}

fn type_to_delta(kind: &Type) -> Value {
    match kind {
        Type::Text | Type::Json => json!("string"),
        Type::Boolean => json!("boolean"),
        Type::Int => json!("integer"),
        Type::Bigint => json!("long"),
        Type::Double => json!("double"),
        Type::Decimal { precision, scale } => json!(format!("decimal({precision},{scale})")),
        Type::Date => json!("date"),
        Type::Timestamp => json!("timestamp"),
        Type::Binary => json!("binary"),
        Type::List(item) => json!({"type": "array", "elementType": type_to_delta(item), "containsNull": true}),
    }
}

fn type_from_delta(kind: &Value, json: bool) -> Option<Type> {
    if let Some(item) = kind.get("elementType") {
        return type_from_delta(item, json).map(|item| Type::List(Box::new(item)));
    }
    Some(match kind.as_str()? {
        "string" if json => Type::Json,
        "string" => Type::Text,
        "integer" => Type::Int,
        "long" => Type::Bigint,
        // The rest are spelled as we spell them.
        same => same.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_from_the_delta_schema() {
        let kinds =
            ["text", "boolean", "int", "bigint", "double", "decimal(18,6)", "date", "timestamp", "json", "binary", "bigint[]", "json[][]"];
        let columns: Vec<Column> = kinds.iter().map(|kind| Column::new(format!("a {kind}"), kind.parse().unwrap())).collect();
        assert_eq!(from_delta(&to_delta(&columns)).unwrap(), columns);
    }

    #[test]
    fn a_type_that_is_not_ours_is_refused_by_name() {
        let text = r#"{"type":"struct","fields":[{"name":"a","type":"byte","nullable":true,"metadata":{}}]}"#;
        let error = from_delta(text).unwrap_err();
        assert!(error.message.contains("`a`") && error.message.contains("byte"), "{error}");
    }
}
