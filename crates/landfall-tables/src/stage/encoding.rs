//! How each column of a data file is encoded, told by its first rows: a
//! dictionary where values repeat, differences where whole numbers or moments
//! do not, plain otherwise; all of it in zstd at level 1. Measured, a dictionary
//! for every column costs a quarter of the writer's speed and saves little.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use landfall_model::{Result, limits};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::failed;

/// Rows that are looked at.
const SAMPLE_ROWS: usize = 4096;

/// Values repeat where at most one in this many is new.
const REPEATS: usize = 4;

/// Properties of a file that begins with `first`.
pub(super) fn properties(first: &RecordBatch) -> Result<WriterProperties> {
    let zstd = ZstdLevel::try_new(1).map_err(|why| failed(&why))?;
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("Landfall ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(zstd))
        .set_max_row_group_row_count(Some(limits::ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(limits::ROW_GROUP_BYTES))
        .set_dictionary_enabled(true);
    for (field, array) in first.schema().fields().iter().zip(first.columns()) {
        builder = column(builder, ColumnPath::from(vec![field.name().clone()]), array);
    }
    Ok(builder.build())
}

fn column(builder: WriterPropertiesBuilder, path: ColumnPath, array: &ArrayRef) -> WriterPropertiesBuilder {
    let sample = array.slice(0, array.len().min(SAMPLE_ROWS));
    if repeats(&sample) {
        return builder;
    }
    let encoding = match array.data_type() {
        DataType::Int32 | DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) => Encoding::DELTA_BINARY_PACKED,
        _ if path.parts() == ["_event"] => Encoding::DELTA_BYTE_ARRAY,
        _ => Encoding::PLAIN,
    };
    builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding)
}

/// Lists and what else is not looked into count as repeating: their leaves fall back from a dictionary that does not pay.
fn repeats(sample: &ArrayRef) -> bool {
    let distinct = match sample.data_type() {
        DataType::Utf8 => count(sample.as_string::<i32>().iter()),
        DataType::Binary => count(sample.as_binary::<i32>().iter()),
        DataType::Int32 => primitive::<Int32Type, _>(sample, |value| value),
        DataType::Int64 => primitive::<Int64Type, _>(sample, |value| value),
        DataType::Date32 => primitive::<Date32Type, _>(sample, |value| value),
        DataType::Timestamp(TimeUnit::Microsecond, _) => primitive::<TimestampMicrosecondType, _>(sample, |value| value),
        DataType::Float64 => primitive::<Float64Type, _>(sample, f64::to_bits),
        _ => 0,
    };
    distinct <= 1 || distinct * REPEATS <= sample.len() - sample.null_count()
}

fn primitive<T: ArrowPrimitiveType, K: Hash + Eq>(sample: &ArrayRef, key: impl Fn(T::Native) -> K) -> usize {
    count(sample.as_primitive::<T>().iter().map(|value| value.map(&key)))
}

fn count<K: Hash + Eq>(values: impl Iterator<Item = Option<K>>) -> usize {
    values.flatten().collect::<HashSet<K>>().len()
}
