//! What S3 keeps beside an object: its headers, its tags and the metadata of its sender.
//! Kept with the landing as one JSON document, and given back as it came.

use std::collections::BTreeMap;

use landfall_model::{Error, ErrorKind, Result, limits};
use s3s::dto::Metadata;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `x-amz-meta-*`, without that.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Attributes {
    pub fn metadata(&self) -> Option<Metadata> {
        let metadata: Metadata = self.metadata.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        (!metadata.is_empty()).then_some(metadata)
    }

    /// As it is kept, also where there are none: an object that is put anew without any has none.
    pub fn document(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|why| Error::internal("writing the attributes of an object", why))?;
        if text.len() > limits::ATTRIBUTES_BYTES_MAX {
            let message = format!("the metadata takes {} bytes, at most {} are allowed", text.len(), limits::ATTRIBUTES_BYTES_MAX);
            return Err(Error::new(ErrorKind::BodyTooLarge, message));
        }
        Ok(text)
    }

    pub fn read(document: Option<&str>) -> Result<Attributes> {
        let Some(document) = document else { return Ok(Attributes::default()) };
        let read = serde_json::from_str(document);
        read.map_err(|why| Error::new(ErrorKind::Corrupt, format!("the catalog holds attributes that cannot be read: {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_read_back_and_have_a_limit() {
        let metadata = [("mtime".to_owned(), "1".to_owned())].into();
        let attributes = Attributes { cache_control: Some("no-store".into()), metadata, ..Attributes::default() };
        let document = attributes.document().unwrap();
        assert_eq!(document, r#"{"cache_control":"no-store","metadata":{"mtime":"1"}}"#);
        assert_eq!(Attributes::read(Some(&document)).unwrap(), attributes);
        assert_eq!(Attributes::read(None).unwrap(), Attributes::default());
        let large = Attributes { content_language: Some("x".repeat(limits::ATTRIBUTES_BYTES_MAX)), ..Attributes::default() };
        assert_eq!(large.document().unwrap_err().kind, ErrorKind::BodyTooLarge);
    }
}
