//! The statistics of one data file, as its `add` action carries them
//! (protocol.md, "Per-file Statistics").

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Only flat columns have values; a column without any is not in the maps.
/// Text may be cut: then a minimum is a prefix, and a maximum ends with a character above all that it stands for.
/// Timestamps are RFC 3339 in milliseconds; what they cut off widens the range.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub num_records: i64,
    #[serde(default)]
    pub min_values: Map<String, Value>,
    #[serde(default)]
    pub max_values: Map<String, Value>,
    #[serde(default)]
    pub null_count: Map<String, Value>,
}

impl Stats {
    /// Statistics that cannot be read are none: they are a help, and no row depends on them.
    pub fn parse(text: &str) -> Stats {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// The number of rows alone, without building the rest.
pub(super) fn rows(stats: &str) -> Option<i64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Rows {
        num_records: i64,
    }
    serde_json::from_str(stats).ok().map(|rows: Rows| rows.num_records)
}
