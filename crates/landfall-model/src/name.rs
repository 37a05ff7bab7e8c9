//! Names that people give: datasets and regions.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};

const LENGTH_MAX: usize = 63;

/// `[a-z][a-z0-9_]{0,62}`, and not `landfall`, which is the system's own schema in SQL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetName(Arc<str>);

/// `[a-z][a-z0-9-]{0,62}`: part of every event's id, so it holds no dot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Arc<str>);

fn fits(text: &str, joint: u8) -> bool {
    let head = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    head && text.len() <= LENGTH_MAX && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == joint)
}

impl DatasetName {
    pub const PATTERN: &str = "[a-z][a-z0-9_]{0,62}";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Region {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Region {
    /// `local`: the region of a system that has one.
    fn default() -> Region {
        Region("local".into())
    }
}

impl FromStr for DatasetName {
    type Err = Error;

    fn from_str(text: &str) -> Result<DatasetName, Error> {
        if text == "landfall" {
            return Err(Error::new(ErrorKind::BadRequest, "`landfall` is reserved: it is the schema of the system's own tables"));
        }
        if !fits(text, b'_') {
            let message = format!("`{text}` cannot be the name of a dataset: it must match {}", DatasetName::PATTERN);
            return Err(Error::new(ErrorKind::BadRequest, message));
        }
        Ok(DatasetName(text.into()))
    }
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Region, Error> {
        if !fits(text, b'-') {
            let message = format!("`{text}` cannot be the name of a region: it must match [a-z][a-z0-9-]{{0,62}}");
            return Err(Error::new(ErrorKind::BadRequest, message));
        }
        Ok(Region(text.into()))
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for DatasetName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DatasetName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for DatasetName {
    fn schema_name() -> Cow<'static, str> {
        "DatasetName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": format!("^{}$", DatasetName::PATTERN) })
    }
}

impl JsonSchema for Region {
    fn schema_name() -> Cow<'static, str> {
        "Region".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,62}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_rules() {
        for good in ["orders", "a", "a_1", &"x".repeat(63)] {
            assert!(good.parse::<DatasetName>().is_ok(), "{good}");
        }
        for bad in ["", "Orders", "1a", "a-b", "_a", "landfall", "ö", &"x".repeat(64)] {
            assert!(bad.parse::<DatasetName>().is_err(), "{bad}");
        }
        assert_eq!("local".parse::<Region>().unwrap(), Region::default());
        assert!("eu-west-1".parse::<Region>().is_ok() && "eu.west".parse::<Region>().is_err());
    }
}
