//! A landing: one thing that arrived, a file or a batch of events. Immutable;
//! what happens to it later is recorded beside it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::LandingId;
use crate::key::FileKey;
use crate::name::{DatasetName, Region};
use crate::principal::Principal;

/// A door in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Http,
    S3,
    /// Answers of a schedule.
    Schedule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Bytes put under a key.
    File,
    /// Events that were committed together.
    Batch,
}

/// Whether a landing is part of what the table is the image of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LandingState {
    Live,
    /// Another file was put under its key.
    Replaced,
    /// Its key was deleted.
    Deleted,
    /// Its dead letter was dropped.
    Discarded,
    /// Its retention ended.
    Expired,
}

/// How far the work on a landing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Durable; not decoded yet.
    Received,
    /// Its manifest is recorded.
    Staged,
    /// Its rows are in the sink.
    Loaded,
    /// Its work failed for good: there is a dead letter.
    Dead,
    /// Its rows have left the sink again, or never went in because it was replaced or deleted before.
    Removed,
}

/// Where the bytes of a landing are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyPlace {
    /// In the catalog's table of bodies, under the landing's id.
    Inline,
    /// In the store: `length` bytes of the object `key`, from `offset` on.
    Object { key: String, offset: u64, length: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    pub id: LandingId,
    pub dataset: DatasetName,
    pub region: Region,
    pub kind: Kind,
    pub source: Source,
    pub principal: Principal,
    /// Of a file.
    pub key: Option<FileKey>,
    /// Which version of its key a file is, counted from 1; a batch has 0.
    pub generation: i64,
    /// As the client said; stored, never trusted.
    pub content_type: Option<String>,
    /// SHA-256 of the bytes, in lower-case hexadecimal.
    pub digest: String,
    /// Bytes.
    pub size: i64,
    pub received_at: Timestamp,
    /// Sequence number of a batch's first event; a file has 0.
    pub first_seq: i64,
    /// Input records: of a batch, its events; of a file, 1 until it is decoded.
    pub records: i64,
    pub body: BodyPlace,
    pub state: LandingState,
    pub phase: Phase,
    /// Of a batch that stands for neighbours that were merged with it.
    pub merged: Option<Merged>,
}

/// What a batch stands for once its neighbours were merged with it. Source, principal and moment of each are in an index,
/// which lies behind the bodies in their object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// How many landings they were.
    pub landings: i64,
    /// The last of their ids; that of the first of them is the batch's own.
    pub last: LandingId,
    /// Bytes of the index.
    pub index_bytes: u64,
}

impl Landing {
    /// Sequence number of a batch's last event.
    pub fn last_seq(&self) -> i64 {
        self.first_seq + self.records - 1
    }
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Http => "http",
            Source::S3 => "s3",
            Source::Schedule => "schedule",
        }
    }
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Source, String> {
        match text {
            "http" => Ok(Source::Http),
            "s3" => Ok(Source::S3),
            "schedule" => Ok(Source::Schedule),
            other => Err(format!("`{other}` is not a source")),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Batch => "batch",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        match text {
            "file" => Ok(Kind::File),
            "batch" => Ok(Kind::Batch),
            other => Err(format!("`{other}` is not a kind of landing")),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl LandingState {
    pub fn as_str(self) -> &'static str {
        match self {
            LandingState::Live => "live",
            LandingState::Replaced => "replaced",
            LandingState::Deleted => "deleted",
            LandingState::Discarded => "discarded",
            LandingState::Expired => "expired",
        }
    }
}

impl FromStr for LandingState {
    type Err = String;

    fn from_str(text: &str) -> Result<LandingState, String> {
        match text {
            "live" => Ok(LandingState::Live),
            "replaced" => Ok(LandingState::Replaced),
            "deleted" => Ok(LandingState::Deleted),
            "discarded" => Ok(LandingState::Discarded),
            "expired" => Ok(LandingState::Expired),
            other => Err(format!("`{other}` is not the state of a landing")),
        }
    }
}

impl fmt::Display for LandingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Received => "received",
            Phase::Staged => "staged",
            Phase::Loaded => "loaded",
            Phase::Dead => "dead",
            Phase::Removed => "removed",
        }
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Phase, String> {
        match text {
            "received" => Ok(Phase::Received),
            "staged" => Ok(Phase::Staged),
            "loaded" => Ok(Phase::Loaded),
            "dead" => Ok(Phase::Dead),
            "removed" => Ok(Phase::Removed),
            other => Err(format!("`{other}` is not a phase")),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
