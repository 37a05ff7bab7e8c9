//! A manifest: what staging a landing (or a range of events) produced.
//! Immutable once recorded; a load names manifests and never looks inside the
//! landings again.

use serde::{Deserialize, Serialize};

use crate::id::{LandingId, ManifestId};
use crate::name::{DatasetName, Region};

/// What was staged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// One file landing, at the generation its key had.
    File { landing: LandingId, generation: i64 },
    /// The events `first..=last` of one region, without those of the landings in `except`, which are dead letters.
    Range { region: Region, first: i64, last: i64, except: Vec<LandingId> },
}

/// One Parquet file of the table, written and synced, not yet named by the table's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Relative to the table's root, percent-encoded as the Delta protocol wants it. Never used twice.
    pub path: String,
    /// The value of `_partition` that all its rows share.
    pub partition: String,
    /// Bytes.
    pub size: i64,
    pub rows: i64,
    /// The `stats` of its Delta `add` action: JSON, as a string.
    pub stats: String,
}

/// Input records and bytes of what was staged. `records` = those that load + `rejected_records`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub records: i64,
    pub bytes: i64,
    pub rejected_records: i64,
    /// Of the raw records, without what parts them.
    pub rejected_bytes: i64,
    /// Rows after the transform.
    pub rows: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub id: ManifestId,
    pub dataset: DatasetName,
    pub subject: Subject,
    /// Version of the dataset's definition, and so of its transform.
    pub definition_version: i64,
    /// Version of its columns.
    pub columns_version: i64,
    pub files: Vec<DataFile>,
    pub counts: Counts,
    /// The store's key of the object that holds the rejects, one JSON document a line, if there are any.
    pub rejects: Option<String>,
}
