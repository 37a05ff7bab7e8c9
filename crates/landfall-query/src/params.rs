//! The values of `$1`, `$2` and so on, as JSON brings them; and those of
//! `$start` and `$end`, which a schedule's window brings.

use std::collections::HashMap;

use datafusion::common::{ParamValues, ScalarValue};
use landfall_model::{Error, ErrorKind, Result, Timestamp, Window};
use serde_json::Value;

/// `$start` and `$end`.
pub fn of_window(window: Window) -> ParamValues {
    let moment = |at: Timestamp| ScalarValue::TimestampMicrosecond(Some(at.micros()), Some("UTC".into())).into();
    ParamValues::Map(HashMap::from([("start".to_owned(), moment(window.from)), ("end".to_owned(), moment(window.to))]))
}

/// One value a parameter; what it is compared with decides its type later, so that `day = $1` takes `"2026-11-21"`.
pub fn scalars(params: &[Value]) -> Result<Vec<ScalarValue>> {
    params.iter().enumerate().map(|(place, value)| scalar(place + 1, value)).collect()
}

fn scalar(place: usize, value: &Value) -> Result<ScalarValue> {
    let refuse = |what: &str| {
        let message = format!("parameter ${place} is {what}: a parameter is null, a boolean, a number or a string");
        Err(Error::new(ErrorKind::BadRequest, message))
    };
    Ok(match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(value) => ScalarValue::Boolean(Some(*value)),
        Value::String(value) => ScalarValue::Utf8(Some(value.clone())),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => ScalarValue::Int64(Some(value)),
            (_, Some(value), _) => ScalarValue::UInt64(Some(value)),
            (_, _, Some(value)) => ScalarValue::Float64(Some(value)),
            _ => return refuse("a number that cannot be represented"),
        },
        Value::Array(_) => return refuse("an array"),
        Value::Object(_) => return refuse("an object"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_keep_their_kind_and_the_rest_is_refused() {
        let values = [json!(null), json!(true), json!(-1), json!(u64::MAX), json!(0.5), json!("x")];
        let expected = [
            ScalarValue::Null,
            ScalarValue::Boolean(Some(true)),
            ScalarValue::Int64(Some(-1)),
            ScalarValue::UInt64(Some(u64::MAX)),
            ScalarValue::Float64(Some(0.5)),
            ScalarValue::Utf8(Some("x".into())),
        ];
        assert_eq!(scalars(&values).unwrap(), expected);
        let error = scalars(&[json!(1), json!([])]).unwrap_err();
        assert!(error.message.starts_with("parameter $2 is an array"), "{error}");
    }
}
