//! From columns to what a query reads, and from what it gives to columns.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;
use landfall_model::{Column, Columns, Error, ErrorKind, Result, Type};

use super::carry;
use crate::delta::own_fields;

const JSON: &str = "landfall.type";

/// What a query sees. JSON text is marked, and stays marked where a query passes it on.
pub(super) fn input_schema(columns: &[Column]) -> SchemaRef {
    let mark = |(column, field): (&Column, Field)| match column.kind {
        Type::Json => field.with_metadata(HashMap::from([(JSON.to_owned(), "json".to_owned())])),
        _ => field,
    };
    Arc::new(Schema::new(columns.iter().zip(own_fields(columns)).map(mark).collect::<Vec<_>>()))
}

/// The columns that a query gives.
pub(super) fn columns(schema: &DFSchema) -> Result<Vec<Column>> {
    let mut seen = BTreeMap::new();
    let mut columns = Vec::new();
    for field in schema.fields() {
        let name = field.name();
        let flaw = Columns::flaw(name).or_else(|| {
            let other = seen.insert(name.to_lowercase(), name.clone())?;
            Some(format!("`{other}` and `{name}` are one name to a table; give one of them another with `as`"))
        });
        if let Some(flaw) = flaw {
            return Err(Error::new(ErrorKind::BadTransform, format!("the transform gives a column that cannot be: {flaw}")));
        }
        let kind = match kind(field.data_type()) {
            Some(Type::Text) if field.metadata().contains_key(JSON) => Type::Json,
            Some(kind) => kind,
            None => {
                let message =
                    format!("the transform's column `{name}` is of type {}, which no table column can have; cast it", field.data_type());
                return Err(Error::new(ErrorKind::BadTransform, message));
            }
        };
        columns.push(Column::new(name, kind));
    }
    Ok(columns)
}

fn kind(arrow: &DataType) -> Option<Type> {
    Some(match arrow {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Type::Text,
        DataType::Boolean => Type::Boolean,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => Type::Int,
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Type::Bigint,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Type::Double,
        DataType::Decimal128(precision, scale) => {
            let scale = u8::try_from(*scale).ok().filter(|scale| scale <= precision)?;
            Type::Decimal { precision: *precision, scale }
        }
        DataType::Date32 | DataType::Date64 => Type::Date,
        DataType::Timestamp(_, _) => Type::Timestamp,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Type::Binary,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Type::List(Box::new(kind(item.data_type())?))
        }
        DataType::Dictionary(_, values) => kind(values)?,
        _ => return None,
    })
}

/// The stream with its columns in the Arrow types of `columns`, and `ROW` (nulls where the query has lost it) last.
/// A value that does not fit its type is an error.
pub(super) fn as_columns(rows: SendableRecordBatchStream, columns: &[Column], has_row: bool) -> SendableRecordBatchStream {
    let mut fields = own_fields(columns);
    fields.push(Field::new(carry::ROW, DataType::Int64, true));
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let given = Arc::clone(&schema);
    let rows = rows.map(move |batch| one(&batch?, &given, has_row).map_err(DataFusionError::from));
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

fn one(batch: &RecordBatch, schema: &SchemaRef, has_row: bool) -> Result<RecordBatch, arrow::error::ArrowError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let own = schema.fields().len() - usize::from(!has_row);
    let mut arrays = batch.columns()[..own]
        .iter()
        .zip(schema.fields())
        .map(|(array, field)| cast_with_options(array, field.data_type(), &strict))
        .collect::<Result<Vec<ArrayRef>, _>>()?;
    if !has_row {
        arrays.push(Arc::new(Int64Array::new_null(batch.num_rows())));
    }
    RecordBatch::try_new(Arc::clone(schema), arrays)
}
