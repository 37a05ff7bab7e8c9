//! What the log says of a data file's values, as DataFusion wants it: for
//! pruning whole files, and for answers that need no file at all.
//!
//! A bound prunes also where it is not the value itself (texts are cut,
//! timestamps are in milliseconds); only a bound that is the value, and the
//! number of rows, may stand for an answer.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use chrono::{DateTime, NaiveDate};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, ScalarValue, Statistics};
use serde_json::Value;

use landfall_tables::delta::{File, Stats};

/// The statistics of one file under `schema`, which may have columns that the file lacks.
pub fn statistics(file: &File, schema: &SchemaRef) -> Statistics {
    let stats = file.stats();
    let rows = usize::try_from(file.data.rows).unwrap_or(0);
    Statistics {
        num_rows: Precision::Exact(rows),
        total_byte_size: Precision::Inexact(usize::try_from(file.data.size).unwrap_or(0)),
        column_statistics: schema.fields().iter().map(|field| of_column(stats, field)).collect(),
    }
}

fn of_column(stats: &Stats, field: &FieldRef) -> ColumnStatistics {
    let nulls = stats.null_count.get(field.name()).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    let bound = |value: Option<&Value>, upper: bool| value.and_then(|value| scalar(value, field.data_type(), upper));
    let precise = |value: Option<ScalarValue>| match value {
        Some(value) if is_exact(field.data_type()) => Precision::Exact(value),
        Some(value) => Precision::Inexact(value),
        None => Precision::Absent,
    };
    ColumnStatistics {
        null_count: nulls.map_or(Precision::Absent, Precision::Exact),
        min_value: precise(bound(stats.min_values.get(field.name()), false)),
        max_value: precise(bound(stats.max_values.get(field.name()), true)),
        ..ColumnStatistics::new_unknown()
    }
}

/// True of the types whose bounds in the log are the very values.
fn is_exact(kind: &DataType) -> bool {
    matches!(kind, DataType::Int32 | DataType::Int64 | DataType::Date32)
}

fn scalar(value: &Value, kind: &DataType, upper: bool) -> Option<ScalarValue> {
    Some(match kind {
        DataType::Int32 => ScalarValue::Int32(Some(i32::try_from(value.as_i64()?).ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(value.as_i64()?)),
        DataType::Float64 => ScalarValue::Float64(Some(value.as_f64()?)),
        DataType::Utf8View => ScalarValue::Utf8View(Some(value.as_str()?.to_owned())),
        DataType::Date32 => {
            let date: NaiveDate = value.as_str()?.parse().ok()?;
            ScalarValue::Date32(Some(date.to_epoch_days()))
        }
        DataType::Timestamp(_, zone) => {
            let floor = DateTime::parse_from_rfc3339(value.as_str()?).ok()?.timestamp_micros();
            let micros = if upper { floor.checked_add(999)? } else { floor };
            ScalarValue::TimestampMicrosecond(Some(micros), zone.clone())
        }
        // A decimal in the log is a number, which may have been rounded on its way; it bounds nothing safely.
        _ => return None,
    })
}

/// The bounds of many files at once.
pub struct Bounds<'a> {
    pub schema: &'a SchemaRef,
    pub files: &'a [Arc<Statistics>],
}

impl Bounds<'_> {
    fn values(&self, column: &Column, of: impl Fn(&ColumnStatistics) -> &Precision<ScalarValue>) -> Option<ArrayRef> {
        let index = self.schema.index_of(column.name()).ok()?;
        let null = ScalarValue::try_new_null(self.schema.field(index).data_type()).ok()?;
        let values = self.files.iter().map(|file| {
            let value = file.column_statistics.get(index).and_then(|column| of(column).get_value());
            value.cloned().unwrap_or_else(|| null.clone())
        });
        ScalarValue::iter_to_array(values).ok()
    }
}

fn count(precision: &Precision<usize>) -> Option<u64> {
    precision.get_value().and_then(|count| u64::try_from(*count).ok())
}

impl PruningStatistics for Bounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |column| &column.min_value)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |column| &column.max_value)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let index = self.schema.index_of(column.name()).ok()?;
        let counts = self.files.iter().map(|file| count(&file.column_statistics.get(index)?.null_count));
        Some(Arc::new(counts.collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.files.iter().map(|file| count(&file.num_rows)).collect::<UInt64Array>()))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::Type;
    use serde_json::json;

    use super::*;
    use crate::live::schema::table_schema;

    fn column(kind: &str, low: Value, high: Value) -> ColumnStatistics {
        let schema = table_schema(&[landfall_model::Column::new("c", kind.parse::<Type>().unwrap())]);
        let stats =
            Stats::parse(&json!({"numRecords": 3, "minValues": {"c": low}, "maxValues": {"c": high}, "nullCount": {"c": 1}}).to_string());
        of_column(&stats, &schema.fields()[0])
    }

    #[test]
    fn whole_numbers_and_days_are_the_very_values() {
        let found = column("bigint", json!(-2), json!(9_007_199_254_740_993_i64));
        assert_eq!(found.min_value, Precision::Exact(ScalarValue::Int64(Some(-2))));
        assert_eq!(found.max_value, Precision::Exact(ScalarValue::Int64(Some(9_007_199_254_740_993))));
        assert_eq!(found.null_count, Precision::Exact(1));
        assert_eq!(column("date", json!("1970-01-02"), json!("1970-01-03")).min_value, Precision::Exact(ScalarValue::Date32(Some(1))));
    }

    #[test]
    fn a_timestamps_upper_bound_covers_its_millisecond() {
        let found = column("timestamp", json!("1970-01-01T00:00:00.001Z"), json!("1970-01-01T00:00:00.001Z"));
        let micros = |value: i64| ScalarValue::TimestampMicrosecond(Some(value), Some("UTC".into()));
        assert_eq!((found.min_value, found.max_value), (Precision::Inexact(micros(1_000)), Precision::Inexact(micros(1_999))));
    }

    #[test]
    fn what_cannot_be_read_bounds_nothing() {
        for (kind, value) in [("bigint", json!("x")), ("int", json!(1_i64 << 40)), ("decimal(9,2)", json!(1.5)), ("date", json!("soon"))] {
            assert_eq!(column(kind, value.clone(), value).min_value, Precision::Absent, "{kind}");
        }
    }
}
