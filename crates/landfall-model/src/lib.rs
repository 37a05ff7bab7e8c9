//! The nouns. Every other room speaks in these words; this one does no IO,
//! knows no async and holds no SQL, so that a value made here means the same
//! through every door and on every node.

pub mod clock;
pub mod columns;
pub mod condition;
pub mod crash;
pub mod dataset;
pub mod error;
pub mod id;
pub mod key;
pub mod landing;
pub mod level;
pub mod limits;
pub mod manifest;
pub mod name;
pub mod partition;
pub mod principal;
pub mod reject;
pub mod schedule;
pub mod span;

pub use clock::{Clock, Timestamp};
pub use columns::{Column, Columns, Type};
pub use condition::{Condition, Contents};
pub use dataset::{BadRecord, CsvSettings, Dataset, Encoding, Priority};
pub use error::{Error, ErrorKind, Place, Result};
pub use id::{AnyId, EventId, JobId, LandingId, LoadId, ManifestId, ReplayId, RunId, SegmentId, UploadId};
pub use key::FileKey;
pub use landing::{BodyPlace, Kind, Landing, LandingState, Merged, Phase, Source};
pub use level::Level;
pub use manifest::{Counts, DataFile, Manifest, Subject};
pub use name::{DatasetName, Region};
pub use partition::Granularity;
pub use principal::{Action, Grant, Grantee, Principal};
pub use reject::Reject;
pub use schedule::{ResultFormat, Schedule, Window};
pub use span::Span;
