//! Which Arrow type each column type is held in: one answer for every decoder,
//! for the tables and for queries.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use landfall_model::{Columns, Type};

/// The Arrow type of a column. All of them can be written to Parquet and stand in a Delta table.
pub fn arrow_type(kind: &Type) -> DataType {
    match kind {
        Type::Text | Type::Json => DataType::Utf8,
        Type::Boolean => DataType::Boolean,
        Type::Int => DataType::Int32,
        Type::Bigint => DataType::Int64,
        Type::Double => DataType::Float64,
        Type::Decimal { precision, scale } => DataType::Decimal128(*precision, i8::try_from(*scale).unwrap_or(i8::MAX)),
        Type::Date => DataType::Date32,
        Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::Binary => DataType::Binary,
        Type::List(item) => DataType::List(Arc::new(Field::new_list_field(arrow_type(item), true))),
    }
}

/// The schema of decoded batches: the columns in their order, each nullable.
pub fn schema(columns: &Columns) -> SchemaRef {
    let field = |column: &landfall_model::Column| Field::new(&column.name, arrow_type(&column.kind), true);
    Arc::new(Schema::new(columns.list.iter().map(field).collect::<Vec<_>>()))
}
