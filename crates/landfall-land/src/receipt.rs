//! What a caller is told when something has landed.

use landfall_model::{EventId, LandingId};

/// Of an events request: its range of sequence numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub first_id: EventId,
    pub last_id: EventId,
    pub count: u64,
    /// True where the request's `Idempotency-Key` was known: this is the receipt of the first time.
    pub repeated: bool,
}

/// Of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReceipt {
    pub id: LandingId,
    /// SHA-256 in lower-case hexadecimal.
    pub digest: String,
    pub size: u64,
    /// True where that very content was live under the key: nothing landed.
    pub unchanged: bool,
}

/// Counts what was acknowledged: `landfall_received_*_total`.
pub(crate) fn count_received(landing: &landfall_model::Landing) {
    let (dataset, source) = (landing.dataset.to_string(), landing.source.as_str());
    let positive = |number: i64| u64::try_from(number).unwrap_or(0);
    metrics::counter!("landfall_received_records_total", "dataset" => dataset.clone(), "source" => source)
        .increment(positive(landing.records));
    metrics::counter!("landfall_received_bytes_total", "dataset" => dataset, "source" => source).increment(positive(landing.size));
}
