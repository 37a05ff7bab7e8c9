//! Counters of what became of records, in input records and bytes. The node
//! counts that recorded it, once that is committed; they begin at zero with the
//! process. What holds over all nodes and all time is the audit.

use landfall_model::{Result, Timestamp};

use crate::engine::Row;

/// What became of them; the word of the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A file counts as one record from its arrival, and from its decoding as those that are in it.
    Received,
    Loaded,
    Rejected,
    DeadLettered,
    Discarded,
    Removed,
}

/// Records of one dataset that came through one door and now share a fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub fate: Fate,
    pub dataset: String,
    pub source: String,
    pub records: i64,
    pub bytes: i64,
}

/// A landing whose fate is counted: its source, records and bytes, as `COUNTED` names them.
pub(crate) const COUNTED: &str = "source, records, size";

pub(crate) fn count_of(fate: Fate, dataset: &str, row: &Row) -> Result<Count> {
    let (source, records, bytes) = (row.text(0)?.to_owned(), row.int(1)?, row.int(2)?);
    Ok(Count { fate, dataset: dataset.to_owned(), source, records, bytes })
}

/// Adds what was committed.
pub(crate) fn add(counts: impl IntoIterator<Item = Count>) {
    for Count { fate, dataset, source, records, bytes } in counts {
        let (of_records, of_bytes) = match fate {
            Fate::Received => ("landfall_received_records_total", "landfall_received_bytes_total"),
            Fate::Loaded => ("landfall_loaded_records_total", "landfall_loaded_bytes_total"),
            Fate::Rejected => ("landfall_rejected_records_total", "landfall_rejected_bytes_total"),
            Fate::DeadLettered => ("landfall_dead_lettered_records_total", "landfall_dead_lettered_bytes_total"),
            Fate::Discarded => ("landfall_discarded_records_total", "landfall_discarded_bytes_total"),
            Fate::Removed => ("landfall_removed_records_total", "landfall_removed_bytes_total"),
        };
        metrics::counter!(of_records, "dataset" => dataset.clone(), "source" => source.clone()).increment(positive(records));
        metrics::counter!(of_bytes, "dataset" => dataset, "source" => source).increment(positive(bytes));
    }
}

/// Notes that the work on `landings` landings of a dataset, which arrived at `received`, is done at `done`.
pub(crate) fn processed(dataset: &str, received: Timestamp, done: Timestamp, landings: i64) {
    let micros = u32::try_from((done.micros() - received.micros()).max(0) / 1000).unwrap_or(u32::MAX);
    let landings = usize::try_from(landings).unwrap_or(0);
    metrics::histogram!("landfall_processed_seconds", "dataset" => dataset.to_owned()).record_many(f64::from(micros) / 1e3, landings);
}

/// Notes that `landings` landings of a dataset took longer than its objective.
pub(crate) fn breached(dataset: &str, landings: i64) {
    if landings > 0 {
        metrics::counter!("landfall_sla_breaches_total", "dataset" => dataset.to_owned()).increment(positive(landings));
    }
}

/// Notes a lease that expired: its holder died or stood still.
pub(crate) fn lease_expired(leases: u64) {
    metrics::counter!("landfall_lease_expired_total").increment(leases);
}

fn positive(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
