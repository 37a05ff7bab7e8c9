//! A reject: one bad record of a landing that otherwise loaded.

use serde::{Deserialize, Serialize};

use crate::error::Place;
use crate::id::LandingId;

/// As a line of a rejects object, and as a row of `landfall.rejects`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    pub landing: LandingId,
    /// Id of the event, for events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    #[serde(flatten)]
    pub place: Place,
    /// Which rule, which column, which value.
    pub reason: String,
    /// The record as it came, at most `REJECT_RAW_BYTES_MAX` bytes of it; bytes that are not UTF-8 are shown as U+FFFD.
    pub raw: String,
    /// Bytes of the whole raw record.
    pub bytes: i64,
}
