//! The dataset's transform over decoded events.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::{cast, concat_batches, take};
use arrow::datatypes::Int64Type;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use landfall_model::Result;

use super::{batch, broken};
use crate::stage::transform::{self, ROW, Transform};

/// The rows that the transform makes, each with the system's columns of the event that it came from.
pub(super) async fn transformed(transform: &Transform, own: RecordBatch, system: &[ArrayRef]) -> Result<(RecordBatch, Vec<ArrayRef>)> {
    transform.require_row_by_row()?;
    let schema = transform.input_schema();
    let numbers: Int64Array = (0..i64::try_from(own.num_rows()).map_err(broken)?).collect();
    let numbers = std::iter::once(Arc::new(numbers) as ArrayRef);
    let fitted = own.columns().iter().cloned().chain(numbers).zip(schema.fields()).map(|(column, field)| cast(&column, field.data_type()));
    let input = batch(schema.clone(), fitted.collect::<Result<_, _>>().map_err(broken)?, own.num_rows())?;
    let input = Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter([Ok(input)])));
    let stream = transform.run(input).await?;
    let schema = stream.schema();
    let parts: Vec<RecordBatch> = stream.try_collect().await.map_err(|error| transform::failure(&error))?;
    let rows = concat_batches(&schema, &parts).map_err(broken)?;
    let numbers = rows.column_by_name(ROW).ok_or_else(|| broken("the transform lost its rows' numbers"))?;
    let numbers: UInt64Array =
        numbers.as_primitive::<Int64Type>().iter().map(|number| number.and_then(|number| u64::try_from(number).ok())).collect();
    let system = system.iter().map(|column| take(column, &numbers, None)).collect::<Result<_, _>>().map_err(broken)?;
    let own = (0..schema.fields().len()).filter(|place| schema.field(*place).name() != ROW).collect::<Vec<_>>();
    Ok((rows.project(&own).map_err(broken)?, system))
}
