//! The key of a file: the path it was put under.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};
use crate::limits;

/// 1 to 1,024 bytes of UTF-8 in segments parted by `/`, none of them empty, `.` or `..`, with no control
/// character and no backslash; so no key can name anything outside its dataset, on any system.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileKey(String);

impl FileKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

fn flaw(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("it is empty".into());
    }
    if text.len() > limits::KEY_BYTES_MAX {
        return Some(format!("it has {} bytes, at most {} are allowed", text.len(), limits::KEY_BYTES_MAX));
    }
    if let Some(bad) = text.chars().find(|c| c.is_control() || *c == '\\') {
        return Some(format!("it holds the character {bad:?}"));
    }
    let segment = text.split('/').find(|segment| matches!(*segment, "" | "." | ".."))?;
    Some(if segment.is_empty() {
        "it begins or ends with `/`, or has two in a row".into()
    } else {
        format!("it has the segment `{segment}`")
    })
}

impl FromStr for FileKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<FileKey, Error> {
        match flaw(text) {
            None => Ok(FileKey(text.to_owned())),
            Some(flaw) => Err(Error::new(ErrorKind::BadKey, format!("`{}` cannot be the key of a file: {flaw}", text.escape_debug()))),
        }
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for FileKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FileKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_inside_its_dataset() {
        for good in ["a.csv", "2026/11/21/día.csv", "..a/b..", "a b"] {
            assert!(good.parse::<FileKey>().is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\\b", "a\nb", "a\0", &"x".repeat(1025)] {
            assert!(bad.parse::<FileKey>().is_err(), "{bad}");
        }
    }
}
