//! The system's columns beside the rows of a file.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType, SchemaRef};
use landfall_model::{Landing, Result};

use super::failed;

/// `own` columns and then `Columns::SYSTEM`; `schema` is the table's. `lines` are those the rows came from, where known.
pub(super) fn with_system(own: &[ArrayRef], lines: Int64Array, landing: &Landing, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = lines.len();
    let constant = |value: &str| Arc::new(StringArray::from_iter_values(repeat_n(value, rows))) as ArrayRef;
    let key = landing.key.as_ref().map_or_else(|| new_null_array(&DataType::Utf8, rows), |key| constant(key.as_str()));
    let received = TimestampMicrosecondArray::from_iter_values(repeat_n(landing.received_at.micros(), rows)).with_timezone("UTC");
    let mut arrays = own.to_vec();
    arrays.extend([
        constant(landing.id.as_str()),
        key,
        Arc::new(lines) as ArrayRef,
        new_null_array(&DataType::Utf8, rows),
        Arc::new(received) as ArrayRef,
    ]);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options).map_err(|why| failed(&why))
}
