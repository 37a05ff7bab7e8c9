//! The actions of the Delta log that our tables have, as the protocol spells
//! them (protocol.md, "Actions"). Kinds that are not named here say nothing
//! about rows at the protocol versions that we write, and are passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of a log entry: exactly one of its members is there.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_info: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta_data: Option<MetaData>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    pub txn: Option<Txn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    pub add: Option<Add<'a>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    pub remove: Option<Remove<'a>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Protocol {
    pub min_reader_version: u32,
    pub min_writer_version: u32,
}

impl Protocol {
    /// What our tables need, and all that we can read and write: no table features.
    pub const OURS: Protocol = Protocol { min_reader_version: 1, min_writer_version: 2 };
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetaData {
    pub id: String,
    pub format: Format,
    /// A Delta schema in JSON.
    pub schema_string: String,
    pub partition_columns: Vec<String>,
    #[serde(default)]
    pub configuration: BTreeMap<String, String>,
    /// Milliseconds.
    pub created_time: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Format {
    pub provider: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Txn<'a> {
    #[serde(borrow)]
    pub app_id: Cow<'a, str>,
    pub version: i64,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Add<'a> {
    #[serde(borrow)]
    pub path: Cow<'a, str>,
    pub partition_values: BTreeMap<String, Option<String>>,
    pub size: i64,
    /// Milliseconds.
    pub modification_time: i64,
    pub data_change: bool,
    #[serde(borrow)]
    pub stats: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remove<'a> {
    #[serde(borrow)]
    pub path: Cow<'a, str>,
    /// Milliseconds.
    pub deletion_timestamp: Option<i64>,
    pub data_change: bool,
    #[serde(default)]
    pub extended_file_metadata: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_values: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
}
