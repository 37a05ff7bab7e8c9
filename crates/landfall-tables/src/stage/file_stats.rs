//! The Delta statistics of a data file, from those in its Parquet footer:
//! protocol.md, "Per-file Statistics". Text comes cut by the Parquet writer
//! already, its maximum rounded up.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Schema, TimeUnit};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use landfall_model::Columns;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde_json::{Value, json};

use crate::delta::Stats;

/// How many of a table's own columns have values: as many as the protocol's other writers keep.
const COLUMNS: usize = 32;

/// Decimals with more digits would lose some on the way through JSON numbers.
const DECIMAL_DIGITS: u8 = 15;

/// Adds the names of the columns of `batch` that hold a NaN. Readers sort it above all numbers, Parquet passes it over.
pub(super) fn note_nan(batch: &RecordBatch, names: &mut BTreeSet<String>) {
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let doubles = array.as_primitive_opt::<Float64Type>();
        if doubles.is_some_and(|doubles| doubles.iter().flatten().any(f64::is_nan)) {
            names.insert(field.name().clone());
        }
    }
}

/// `stats` of an `add` action; the columns `nan` have no bounds.
pub(super) fn stats(footer: &ParquetMetaData, schema: &Schema, nan: &BTreeSet<String>) -> String {
    let own = schema.fields().len().saturating_sub(Columns::SYSTEM.len());
    let mut stats = Stats { num_records: footer.file_metadata().num_rows(), ..Stats::default() };
    let wanted: BTreeMap<&str, &DataType> = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(at, field)| *at < own.min(COLUMNS) || matches!(field.name().as_str(), "_landing" | "_received_at"))
        .map(|(_, field)| (field.name().as_str(), field.data_type()))
        .collect();
    let chunks = footer.row_groups().first().map(|group| group.columns()).unwrap_or_default();
    for (at, chunk) in chunks.iter().enumerate() {
        let [name] = chunk.column_path().parts() else { continue };
        let Some(kind) = wanted.get(name.as_str()) else { continue };
        let parts: Option<Vec<&Statistics>> = footer.row_groups().iter().map(|group| group.column(at).statistics()).collect();
        if let Some(parts) = parts {
            column(&mut stats, name, kind, &parts);
            if nan.contains(name) {
                stats.min_values.remove(name);
                stats.max_values.remove(name);
            }
        }
    }
    serde_json::to_string(&stats).unwrap_or_default()
}

fn column(stats: &mut Stats, name: &str, kind: &DataType, parts: &[&Statistics]) {
    if let Some(nulls) = parts.iter().map(|part| part.null_count_opt()).sum::<Option<u64>>() {
        stats.null_count.insert(name.to_owned(), json!(nulls));
    }
    let bounds: Option<Vec<(Bound, Bound)>> = parts.iter().filter(|part| has_values(part)).map(|part| bounds(part)).collect();
    let Some(bounds) = bounds else { return };
    let min = bounds.iter().map(|(min, _)| min).reduce(|a, b| if b < a { b } else { a });
    let max = bounds.iter().map(|(_, max)| max).reduce(|a, b| if b > a { b } else { a });
    let (Some(min), Some(max)) = (min, max) else { return };
    if let (Some(min), Some(max)) = (value(min, kind, Side::Min), value(max, kind, Side::Max)) {
        stats.min_values.insert(name.to_owned(), min);
        stats.max_values.insert(name.to_owned(), max);
    }
}

/// One end of what a column holds, in Parquet's terms.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Bound<'a> {
    Whole(i64),
    Real(f64),
    /// Compared as unsigned bytes, as UTF-8 is.
    Text(&'a str),
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Min,
    Max,
}

/// False for a row group that has only nulls in this column.
fn has_values(part: &Statistics) -> bool {
    part.min_bytes_opt().is_some() || part.null_count_opt() == Some(0)
}

fn bounds(part: &Statistics) -> Option<(Bound<'_>, Bound<'_>)> {
    Some(match part {
        Statistics::Int32(values) => (Bound::Whole((*values.min_opt()?).into()), Bound::Whole((*values.max_opt()?).into())),
        Statistics::Int64(values) => (Bound::Whole(*values.min_opt()?), Bound::Whole(*values.max_opt()?)),
        Statistics::Double(values) => (Bound::Real(*values.min_opt()?), Bound::Real(*values.max_opt()?)),
        Statistics::ByteArray(values) => (text(values.min_opt()?.data())?, text(values.max_opt()?.data())?),
        _ => return None,
    })
}

fn text(bytes: &[u8]) -> Option<Bound<'_>> {
    std::str::from_utf8(bytes).ok().map(Bound::Text)
}

/// `None` where JSON cannot say it, or no reader would take it.
fn value(bound: &Bound, kind: &DataType, side: Side) -> Option<Value> {
    match (kind, bound) {
        (DataType::Int32 | DataType::Int64, Bound::Whole(value)) => Some(json!(value)),
        (DataType::Float64, Bound::Real(value)) => value.is_finite().then(|| json!(value)),
        (DataType::Utf8, Bound::Text(value)) => Some(json!(value)),
        (DataType::Date32, Bound::Whole(days)) => date(*days),
        (DataType::Timestamp(TimeUnit::Microsecond, _), Bound::Whole(micros)) => timestamp(*micros, side),
        (DataType::Decimal128(precision, scale), Bound::Whole(value)) if *precision <= DECIMAL_DIGITS => decimal(*value, *scale),
        _ => None,
    }
}

fn date(days: i64) -> Option<Value> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let shift = Days::new(days.unsigned_abs());
    let day = if days < 0 { epoch.checked_sub_days(shift) } else { epoch.checked_add_days(shift) }?;
    in_years(&day).then(|| json!(day.format("%Y-%m-%d").to_string()))
}

/// In milliseconds, as the protocol has it; what they cut off widens the range.
fn timestamp(micros: i64, side: Side) -> Option<Value> {
    let millis = micros.div_euclid(1000) + i64::from(side == Side::Max && micros.rem_euclid(1000) != 0);
    let moment = DateTime::from_timestamp_millis(millis)?;
    in_years(&moment.date_naive()).then(|| json!(moment.to_rfc3339_opts(SecondsFormat::Millis, true)))
}

/// The years that have four digits.
fn in_years(day: &NaiveDate) -> bool {
    let year = chrono::Datelike::year(day);
    (0..=9999).contains(&year)
}

/// A number with exactly `scale` digits behind the point; there are so few digits that an f64 prints them all.
fn decimal(unscaled: i64, scale: i8) -> Option<Value> {
    let text = format!("{unscaled}e-{scale}");
    text.parse::<f64>().ok().map(|value| json!(value))
}
