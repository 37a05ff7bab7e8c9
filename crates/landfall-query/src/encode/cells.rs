//! The cells of one column of one batch, ready to be written: the many types
//! of Arrow are brought down to a few, so that one value reads the same in
//! every format.
//!
//! Integers beyond 2⁵³ and decimals are strings in JSON, because a reader that
//! takes numbers as doubles would change them. A number that is not finite is
//! the string `NaN`, `Infinity` or `-Infinity`. Timestamps are RFC 3339 in UTC,
//! dates ISO 8601, binary base64.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringViewArray, StructArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{can_cast_types, cast};
use arrow::datatypes::{DataType, Date32Type, Field, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, SecondsFormat};
use landfall_model::{Error, Result};
use std::io::Write;

use crate::live::schema::is_json;

/// Integers up to this are exact in a double.
const EXACT_MAX: u64 = 1 << 53;

pub(super) enum Cells {
    Null,
    Boolean(BooleanArray),
    Int(Int64Array),
    Unsigned(UInt64Array),
    Double(Float64Array),
    Date(Date32Array),
    Timestamp(TimestampMicrosecondArray),
    Text(StringViewArray),
    /// Text that is a JSON document.
    Json(StringViewArray),
    Binary(BinaryViewArray),
    List(ListArray, Box<Cells>),
    Struct(StructArray, Vec<(String, Cells)>),
}

impl Cells {
    pub(super) fn of_batch(batch: &RecordBatch) -> Result<Vec<Cells>> {
        let schema = batch.schema();
        batch.columns().iter().zip(schema.fields()).map(|(array, field)| Cells::of(array, field)).collect()
    }

    fn of(array: &ArrayRef, field: &Field) -> Result<Cells> {
        let plain = |to: &DataType| cast(array, to).map_err(|error| Error::internal("writing an answer", error));
        Ok(match field.data_type() {
            DataType::Null => Cells::Null,
            DataType::Boolean => Cells::Boolean(array.as_boolean().clone()),
            DataType::UInt64 => Cells::Unsigned(array.as_primitive::<UInt64Type>().clone()),
            kind if kind.is_integer() => Cells::Int(plain(&DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            kind if kind.is_floating() => Cells::Double(plain(&DataType::Float64)?.as_primitive::<Float64Type>().clone()),
            DataType::Date32 | DataType::Date64 => Cells::Date(plain(&DataType::Date32)?.as_primitive::<Date32Type>().clone()),
            DataType::Timestamp(_, zone) => {
                let micros = plain(&DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
                Cells::Timestamp(micros.as_primitive::<TimestampMicrosecondType>().clone())
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Cells::Binary(plain(&DataType::BinaryView)?.as_binary_view().clone())
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::ListView(item) => {
                let list = plain(&DataType::List(item.clone()))?.as_list::<i32>().clone();
                let items = Cells::of(list.values(), item)?;
                Cells::List(list, Box::new(items))
            }
            DataType::Struct(fields) => {
                let whole = array.as_struct().clone();
                let parts = whole.columns().iter().zip(fields).map(|(part, field)| Ok((field.name().clone(), Cells::of(part, field)?)));
                let parts = parts.collect::<Result<_>>()?;
                Cells::Struct(whole, parts)
            }
            // Text, and whatever Arrow can only show as text: decimals, times, intervals.
            _ if is_json(field) => Cells::Json(text(array)?),
            _ => Cells::Text(text(array)?),
        })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Cells::Null => true,
            Cells::Boolean(array) => array.is_null(row),
            Cells::Int(array) => array.is_null(row),
            Cells::Unsigned(array) => array.is_null(row),
            Cells::Double(array) => array.is_null(row),
            Cells::Date(array) => array.is_null(row),
            Cells::Timestamp(array) => array.is_null(row),
            Cells::Text(array) | Cells::Json(array) => array.is_null(row),
            Cells::Binary(array) => array.is_null(row),
            Cells::List(array, _) => array.is_null(row),
            Cells::Struct(array, _) => array.is_null(row),
        }
    }

    /// As a JSON value.
    pub(super) fn write_json(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match self {
            Cells::Int(array) if array.value(row).unsigned_abs() > EXACT_MAX => self.write_quoted(row, out),
            Cells::Unsigned(array) if array.value(row) > EXACT_MAX => self.write_quoted(row, out),
            Cells::Double(array) if !array.value(row).is_finite() => self.write_quoted(row, out),
            Cells::Null | Cells::Boolean(_) | Cells::Int(_) | Cells::Unsigned(_) | Cells::Double(_) => self.write_text(row, out),
            Cells::Date(_) | Cells::Timestamp(_) | Cells::Binary(_) => self.write_quoted(row, out),
            Cells::Text(array) => write_string(array.value(row), out),
            Cells::Json(array) => {
                let text = array.value(row);
                // An expression may have cut the document; what no longer is one goes out as a string.
                match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                    Ok(_) => out.extend_from_slice(text.as_bytes()),
                    Err(_) => write_string(text, out),
                }
            }
            Cells::List(array, items) => {
                let offsets = array.value_offsets();
                let range = index(offsets[row])..index(offsets[row + 1]);
                write_joined(b"[", b"]", range, out, |item, out| items.write_json(item, out));
            }
            Cells::Struct(_, parts) => write_joined(b"{", b"}", 0..parts.len(), out, |part, out| {
                let (name, cells) = &parts[part];
                write_string(name, out);
                out.push(b':');
                cells.write_json(row, out);
            }),
        }
    }

    /// As text that stands by itself, for a row where it is not null.
    pub(super) fn write_text(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Cells::Null => {}
            Cells::Boolean(array) => out.extend_from_slice(if array.value(row) { b"true" } else { b"false" }),
            Cells::Int(array) => write(out, format_args!("{}", array.value(row))),
            Cells::Unsigned(array) => write(out, format_args!("{}", array.value(row))),
            Cells::Double(array) => write_double(array.value(row), out),
            Cells::Date(array) => write_date(array.value(row), out),
            Cells::Timestamp(array) => write_timestamp(array.value(row), out),
            Cells::Text(array) | Cells::Json(array) => out.extend_from_slice(array.value(row).as_bytes()),
            Cells::Binary(array) => out.extend_from_slice(STANDARD.encode(array.value(row)).as_bytes()),
            Cells::List(..) | Cells::Struct(..) => self.write_json(row, out),
        }
    }

    /// The text between quotes; for values whose text needs no escape.
    fn write_quoted(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        self.write_text(row, out);
        out.push(b'"');
    }
}

/// The values as text: by a cast where Arrow has one, else as it displays them.
fn text(array: &ArrayRef) -> Result<StringViewArray> {
    let broken = |error| Error::internal("writing an answer", error);
    if can_cast_types(array.data_type(), &DataType::Utf8View) {
        return Ok(cast(array, &DataType::Utf8View).map_err(broken)?.as_string_view().clone());
    }
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options).map_err(broken)?;
    Ok((0..array.len()).map(|row| array.is_valid(row).then(|| formatter.value(row).to_string())).collect())
}

fn index(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

fn write_joined(open: &[u8], close: &[u8], range: std::ops::Range<usize>, out: &mut Vec<u8>, each: impl Fn(usize, &mut Vec<u8>)) {
    out.extend_from_slice(open);
    for (place, item) in range.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        each(item, out);
    }
    out.extend_from_slice(close);
}

fn write(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, text);
}

fn write_double(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        let _ = serde_json::to_writer(out, &value);
        return;
    }
    let word: &[u8] = match value {
        _ if value.is_nan() => b"NaN",
        _ if value > 0.0 => b"Infinity",
        _ => b"-Infinity",
    };
    out.extend_from_slice(word);
}

fn write_date(days: i32, out: &mut Vec<u8>) {
    match NaiveDate::from_epoch_days(days) {
        Some(date) => write(out, format_args!("{date}")),
        None => write(out, format_args!("day {days}")),
    }
}

fn write_timestamp(micros: i64, out: &mut Vec<u8>) {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => out.extend_from_slice(time.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes()),
        None => write(out, format_args!("microsecond {micros}")),
    }
}

/// The word for a column's type in answers: Landfall's own where there is one.
pub fn type_word(field: &Field) -> String {
    match field.data_type() {
        DataType::Boolean => "boolean".into(),
        DataType::UInt32 | DataType::UInt64 | DataType::Int64 => "bigint".into(),
        kind if kind.is_integer() => "int".into(),
        kind if kind.is_floating() => "double".into(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Timestamp(..) => "timestamp".into(),
        DataType::Time32(_) | DataType::Time64(_) => "time".into(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "binary".into(),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::ListView(item) => {
            format!("{}[]", type_word(item))
        }
        DataType::Struct(_) | DataType::Map(..) => "json".into(),
        _ if is_json(field) => "json".into(),
        _ => "text".into(),
    }
}
