//! How each column of a data file is encoded, told by its first rows: a
//! dictionary where values repeat, differences where whole numbers or moments
//! do not, plain otherwise; all of it in zstd at level 1. Measured, a dictionary
//! for every column costs a quarter of the writer's speed and saves little.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use landfall_model::{Result, limits};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::failed;

/// Rows that are looked at.
const SAMPLE_ROWS: usize = 4096;

/// Values repeat where at most one in this many is new.
const REPEATS: usize = 4;

/// Digits of a decimal that Parquet still keeps as a whole number of 64 bits.
const WHOLE_DIGITS: u8 = 18;

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
        DataType::Decimal128(digits, _) if *digits <= WHOLE_DIGITS => Encoding::DELTA_BINARY_PACKED,
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
        DataType::Decimal128(..) => primitive::<Decimal128Type, _>(sample, |value| value),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, Int64Array, StringArray};

    use super::*;

    fn check(array: ArrayRef, dictionary: bool, encoding: Option<Encoding>) {
        let batch = RecordBatch::try_from_iter([("column", array)]).unwrap();
        let (properties, path) = (properties(&batch).unwrap(), ColumnPath::from(vec!["column".to_owned()]));
        assert_eq!((properties.dictionary_enabled(&path), properties.encoding(&path)), (dictionary, encoding), "{batch:?}");
    }

    fn decimals(digits: u8, modulus: i128) -> ArrayRef {
        Arc::new(Decimal128Array::from_iter_values((0..1000).map(|at| at % modulus)).with_precision_and_scale(digits, 2).unwrap())
    }

    #[test]
    fn a_column_has_a_dictionary_where_its_values_repeat() {
        check(decimals(12, 10), true, None);
        check(decimals(12, 1000), false, Some(Encoding::DELTA_BINARY_PACKED));
        check(decimals(30, 1000), false, Some(Encoding::PLAIN));
        check(Arc::new(Int64Array::from_iter_values(0..1000)), false, Some(Encoding::DELTA_BINARY_PACKED));
        check(Arc::new(StringArray::from_iter_values((0..1000).map(|at| at.to_string()))), false, Some(Encoding::PLAIN));
        check(Arc::new(StringArray::from_iter_values((0..1000).map(|at| (at % 7).to_string()))), true, None);
    }
}
