//! A dataset, as configuration declares it: how it is decoded, transformed,
//! kept, and who may do what. Each key here does something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::Column;
use crate::name::DatasetName;
use crate::partition::Granularity;
use crate::principal::Grant;
use crate::span::Span;

/// A dataset's definition. Its serialised form is what the catalog versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    pub name: DatasetName,
    pub description: Option<String>,
    pub on_bad_record: BadRecord,
    pub grants: Vec<Grant>,
    /// In the order of the file; `None`: inferred.
    pub columns: Option<Vec<Column>>,
    pub transform: Option<String>,
    pub csv: CsvSettings,
    /// How long a landing is kept, with all that was made of it; `None`: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Span>,
    /// When the raw bytes of a landing move to the archive; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_after: Option<Span>,
}

impl Dataset {
    /// A dataset with every setting at its default.
    pub fn new(name: DatasetName) -> Dataset {
        Dataset {
            name,
            description: None,
            on_bad_record: BadRecord::default(),
            grants: Vec::new(),
            columns: None,
            transform: None,
            csv: CsvSettings::default(),
            retention: None,
            archive_after: None,
        }
    }

    /// How the dataset's table is partitioned.
    pub fn granularity(&self) -> Granularity {
        Granularity::of(self.retention)
    }
}

/// What one bad record does to the file it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BadRecord {
    /// The record is kept as a reject and the others load.
    #[default]
    Reject,
    /// None of the file loads: it becomes a dead letter.
    Fail,
}

/// How a dataset's CSV differs from what its content tells. A key left out is told by the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvSettings {
    /// The character between fields; told from the first lines if left out (`,` `;` tab or `|`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The character around fields; `"` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<char>,
    /// Whether the first line names the columns; yes if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Fields that mean null, beside the empty one. If left out: `NA`, in columns that are not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null: Option<Vec<String>>,
    /// `utf-8`, `utf-16` or `latin-1`; told by the content if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

/// How text is written in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    /// Of either byte order, told by its byte order mark; big-endian without one.
    #[serde(rename = "utf-16")]
    Utf16,
    #[serde(rename = "latin-1")]
    Latin1,
}
