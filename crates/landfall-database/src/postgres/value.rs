//! Values to and from PostgreSQL's binary formats.

use std::error::Error as StdError;

use bytes::BytesMut;
use landfall_model::{Error, Result};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::value::{Row, Value};

/// What a parameter is declared as; a null leaves it to the server.
pub(super) fn type_of(value: &Value) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
    }
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => match *ty {
                Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
                Type::INT8 => number.to_sql(ty, out),
                _ => Err(format!("a number was given where the statement wants {ty}").into()),
            },
            Value::Text(text) if <&str as ToSql>::accepts(ty) => text.as_str().to_sql(ty, out),
            Value::Bytes(bytes) if *ty == Type::BYTEA => bytes.as_ref().to_sql(ty, out),
            Value::Text(_) | Value::Bytes(_) => Err(format!("text or bytes were given where the statement wants {ty}").into()),
        }
    }

    /// `to_sql` says which value does not fit, so every type passes here.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Value, Box<dyn StdError + Sync + Send>> {
        match *ty {
            Type::INT8 => i64::from_sql(ty, raw).map(Value::Int),
            Type::INT4 => i32::from_sql(ty, raw).map(|number| Value::Int(number.into())),
            Type::INT2 => i16::from_sql(ty, raw).map(|number| Value::Int(number.into())),
            Type::BOOL => bool::from_sql(ty, raw).map(|truth| Value::Int(truth.into())),
            Type::NUMERIC => whole_numeric(raw).map(Value::Int).ok_or_else(|| "a numeric that is not a whole number of 64 bits".into()),
            Type::BYTEA => Ok(Value::Bytes(raw.to_vec().into())),
            Type::VOID => Ok(Value::Null),
            _ => <&str>::from_sql(ty, raw).map(|text| Value::Text(text.to_owned())),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Value, Box<dyn StdError + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::INT2 | Type::BOOL | Type::NUMERIC | Type::BYTEA | Type::VOID)
            || <&str as FromSql>::accepts(ty)
    }
}

pub(super) fn row_of(row: &tokio_postgres::Row) -> Result<Row> {
    let values = (0..row.len()).map(|column| row.try_get::<_, Value>(column));
    values.collect::<Result<_, _>>().map(Row).map_err(|why| Error::internal("a row of the catalog", super::error::chain(&why)))
}

/// A `numeric` without a fraction, which is what the sum of bigints is: four 16-bit words (digits, weight of the
/// first, sign, scale), then digits to the base of 10,000.
fn whole_numeric(raw: &[u8]) -> Option<i64> {
    let words = raw.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect::<Vec<_>>();
    let [count, weight, sign, _scale, digits @ ..] = words.as_slice() else {
        return None;
    };
    if *count == 0 {
        return (*sign == 0).then_some(0);
    }
    let places = usize::try_from(*weight).ok()? + 1;
    if digits.len() > places || !matches!(*sign, 0 | 0x4000) {
        return None;
    }
    let digits = digits.iter().copied().chain(std::iter::repeat(0)).take(places);
    // Counted downwards, since the least i64 has no positive twin.
    let negative = digits.into_iter().try_fold(0_i64, |sum, digit| sum.checked_mul(10_000)?.checked_sub(digit.into()))?;
    if *sign == 0 { negative.checked_neg() } else { Some(negative) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(words: &[i16]) -> Option<i64> {
        whole_numeric(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn whole_numerics_are_read_and_others_refused() {
        assert_eq!(numeric(&[0, 0, 0, 0]), Some(0));
        assert_eq!(numeric(&[2, 1, 0, 0, 12, 3456]), Some(123_456));
        assert_eq!(numeric(&[1, 2, 0x4000, 0, 5]), Some(-500_000_000));
        assert_eq!(numeric(&[5, 4, 0x4000, 0, 922, 3372, 368, 5477, 5808]), Some(i64::MIN));
        assert_eq!(numeric(&[5, 4, 0, 0, 922, 3372, 368, 5477, 5808]), None, "one more than the greatest");
        assert_eq!(numeric(&[2, 0, 0, 1, 1, 5000]), None, "a fraction");
        assert_eq!(numeric(&[0, 0, -0x4000, 0]), None, "not a number");
        assert_eq!(numeric(&[1]), None, "too short");
    }
}
