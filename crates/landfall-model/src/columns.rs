//! The columns of a table and their types, as configuration writes them and
//! the catalog fixes them.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    Text,
    Boolean,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    Bigint,
    /// 64 bits, IEEE 754.
    Double,
    /// `precision` digits in all (1 to 38), `scale` of them after the point.
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// A day.
    Date,
    /// Microseconds in UTC.
    Timestamp,
    /// JSON text.
    Json,
    Binary,
    List(Box<Type>),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Text => f.write_str("text"),
            Type::Boolean => f.write_str("boolean"),
            Type::Int => f.write_str("int"),
            Type::Bigint => f.write_str("bigint"),
            Type::Double => f.write_str("double"),
            Type::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Type::Date => f.write_str("date"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::Json => f.write_str("json"),
            Type::Binary => f.write_str("binary"),
            Type::List(item) => write!(f, "{item}[]"),
        }
    }
}

fn parse_decimal(text: &str) -> Option<Type> {
    let (precision, scale) = text.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=38).contains(&precision) && scale <= precision).then_some(Type::Decimal { precision, scale })
}

impl FromStr for Type {
    type Err = String;

    fn from_str(text: &str) -> Result<Type, String> {
        if let Some(item) = text.strip_suffix("[]") {
            return item.parse().map(|item| Type::List(Box::new(item)));
        }
        let simple = match text {
            "text" => Some(Type::Text),
            "boolean" => Some(Type::Boolean),
            "int" => Some(Type::Int),
            "bigint" => Some(Type::Bigint),
            "double" => Some(Type::Double),
            "date" => Some(Type::Date),
            "timestamp" => Some(Type::Timestamp),
            "json" => Some(Type::Json),
            "binary" => Some(Type::Binary),
            other => parse_decimal(other),
        };
        simple.ok_or_else(|| {
            format!("`{text}` is not a type: they are text, boolean, int, bigint, double, decimal(p,s) with p up to 38, date, timestamp, json, binary, and lists of them with []")
        })
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Type {
    fn schema_name() -> Cow<'static, str> {
        "Type".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pattern = r"^(text|boolean|int|bigint|double|decimal\(\d+, ?\d+\)|date|timestamp|json|binary)(\[\])*$";
        json_schema!({ "type": "string", "pattern": pattern })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Type,
}

impl Column {
    pub fn new(name: impl Into<String>, kind: Type) -> Column {
        Column { name: name.into(), kind }
    }
}

/// The columns of a dataset's records, in order, as the catalog has fixed them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    /// Grows by one with each change; 0 means that nothing is fixed yet.
    pub version: i64,
    /// True where the configuration names them: then no record can add one.
    pub declared: bool,
    pub list: Vec<Column>,
}

impl Columns {
    /// Names that every table has after its own columns.
    pub const SYSTEM: &[&str] = &["_landing", "_key", "_line", "_event", "_received_at"];

    /// The column that tables are partitioned by; it is not shown in SQL.
    pub const PARTITION: &str = "_partition";

    pub fn get(&self, name: &str) -> Option<&Column> {
        self.list.iter().find(|column| column.name == name)
    }

    /// Why `name` cannot name a column, if it cannot.
    pub fn flaw(name: &str) -> Option<String> {
        if name.is_empty() {
            return Some("a column needs a name".into());
        }
        if name.len() > limits::KEY_BYTES_MAX {
            return Some(format!("the name of a column may have at most {} bytes", limits::KEY_BYTES_MAX));
        }
        if Columns::SYSTEM.contains(&name) || name == Columns::PARTITION {
            return Some(format!("`{name}` is a column that every table has; rename yours"));
        }
        name.chars().find(|c| c.is_control()).map(|c| format!("the name of a column cannot hold {c:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_back_as_they_are_written() {
        for text in
            ["text", "boolean", "int", "bigint", "double", "decimal(18,6)", "date", "timestamp", "json", "binary", "bigint[]", "text[][]"]
        {
            assert_eq!(text.parse::<Type>().unwrap().to_string(), text);
        }
        for text in ["", "varchar", "decimal(39,1)", "decimal(3,4)", "decimal(5)", "[]", "Text"] {
            assert!(text.parse::<Type>().is_err(), "{text}");
        }
    }
}
