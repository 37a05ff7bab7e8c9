//! The columns of a dataset's table as SQL sees them: its own, then the system's.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use landfall_model::{Column, Columns, Type};

/// Key of the metadata that tells a column whose type Arrow does not know, and the value for JSON.
const TYPE_KEY: &str = "landfall.type";
const TYPE_JSON: &str = "json";

/// True of a column whose text is JSON.
pub fn is_json(field: &Field) -> bool {
    field.metadata().get(TYPE_KEY).is_some_and(|kind| kind == TYPE_JSON)
}

/// Text and binary are read as views, which is what Parquet decodes and hash tables compare fastest.
fn sql_type(kind: &Type) -> DataType {
    match kind {
        Type::Text | Type::Json => DataType::Utf8View,
        Type::Boolean => DataType::Boolean,
        Type::Int => DataType::Int32,
        Type::Bigint => DataType::Int64,
        Type::Double => DataType::Float64,
        Type::Decimal { precision, scale } => DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX)),
        Type::Date => DataType::Date32,
        Type::Timestamp => timestamp(),
        Type::Binary => DataType::BinaryView,
        Type::List(item) => DataType::List(Arc::new(field("item", item))),
    }
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn field(name: &str, kind: &Type) -> Field {
    let field = Field::new(name, sql_type(kind), true);
    match kind {
        Type::Json => field.with_metadata(HashMap::from([(TYPE_KEY.to_owned(), TYPE_JSON.to_owned())])),
        _ => field,
    }
}

/// The schema of a table with these columns of its own. Everything may be null: what was added later is, in older rows.
pub fn table_schema(own: &[Column]) -> SchemaRef {
    let own = own.iter().map(|column| field(&column.name, &column.kind));
    let system = Columns::SYSTEM.iter().map(|name| {
        let kind = match *name {
            "_line" => DataType::Int64,
            "_received_at" => timestamp(),
            _ => DataType::Utf8View,
        };
        Field::new(*name, kind, true)
    });
    Arc::new(Schema::new(own.chain(system).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_columns_come_last_in_their_order() {
        let schema = table_schema(&[Column::new("doc", Type::Json), Column::new("tags", "text[]".parse().unwrap())]);
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["doc", "tags", "_landing", "_key", "_line", "_event", "_received_at"]);
        assert!(is_json(schema.field(0)) && !is_json(schema.field(1)));
    }
}
