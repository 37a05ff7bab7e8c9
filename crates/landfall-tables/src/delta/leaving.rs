//! Which rows leave a table, and which of its files can hold them: by the
//! partition and by the bounds of `_landing` and `_received_at` in the log, so
//! that only files that hold such rows are read, and those that hold nothing else
//! are not even that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use chrono::DateTime;
use landfall_catalog::expiry::Expiry;
use landfall_catalog::loads::Removal;
use landfall_catalog::replays::Window;
use landfall_model::{Error, EventId, Granularity, Result, Timestamp};

use super::state::{File, State};

/// The rows that leave with one load.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// Ids of landings, each with the moment when it was received.
    landings: BTreeMap<String, Timestamp>,
    expiry: Option<Expiry>,
    /// Rows that come in anew with the same load.
    replay: Option<Window>,
}

/// How many rows of a file leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    None,
    /// Perhaps some: it has to be read.
    Some,
    All,
}

impl Leaving {
    pub fn new(removals: &[Removal], expiry: Option<Expiry>) -> Leaving {
        let landings = removals.iter().map(|removal| (removal.landing.to_string(), removal.received_at)).collect();
        Leaving { landings, expiry, replay: None }
    }

    /// What leaves with a replay.
    pub fn replayed(window: Window) -> Leaving {
        Leaving { replay: Some(window), ..Leaving::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.landings.is_empty() && self.expiry.is_none() && self.replay.is_none()
    }

    /// The files that rows may leave, in order of path, each with how many.
    pub fn files(&self, state: &State) -> Vec<(Arc<File>, Share)> {
        let places = self.partitions();
        let last = self.expiry.as_ref().map(|expiry| Granularity::Minute.partition(expiry.cutoff));
        let concerned = |file: &&Arc<File>| {
            let partition = &file.data.partition;
            self.replay.is_some() || places.contains(partition) || last.as_ref().is_some_and(|last| partition <= last)
        };
        let shares = state.files.values().filter(concerned).map(|file| (Arc::clone(file), self.share(file)));
        shares.filter(|(_, share)| *share != Share::None).collect()
    }

    /// Every partition that a landing that leaves may be in: what its retention was then is not known any more.
    fn partitions(&self) -> BTreeSet<String> {
        self.landings.values().flat_map(|at| Granularity::ALL.map(|granularity| granularity.partition(*at))).collect()
    }

    fn share(&self, file: &File) -> Share {
        let stats = file.stats();
        let text = |bounds: &serde_json::Map<String, serde_json::Value>| bounds.get("_landing")?.as_str().map(str::to_owned);
        let (Some(first), Some(last)) = (text(&stats.min_values), text(&stats.max_values)) else { return Share::Some };
        let one = first == last && self.landings.contains_key(&first);
        let some = self.landings.range(first.clone()..=last.clone()).next().is_some();
        let by_id = match (one, some) {
            (true, _) => Share::All,
            (false, true) => Share::Some,
            (false, false) => Share::None,
        };
        by_id.max(self.share_over(file, &first, &last)).max(self.share_replayed(file))
    }

    /// How many rows leave because they come in anew.
    fn share_replayed(&self, file: &File) -> Share {
        let Some(window) = &self.replay else { return Share::None };
        let Some((oldest, newest)) = received(file) else { return Share::Some };
        // Ranges reach beyond the window where it cuts through one, so only what is far from both stays unread.
        if newest < window.from.min(window.reach_from) || oldest >= window.to.max(window.reach_to) {
            return Share::None;
        }
        let within = |from: Timestamp, to: Timestamp| oldest >= from && newest < to;
        if within(window.from, window.to) && within(window.safe_from, window.safe_to) { Share::All } else { Share::Some }
    }

    /// How many rows leave because their time is over.
    fn share_over(&self, file: &File, first: &str, last: &str) -> Share {
        let Some(expiry) = &self.expiry else { return Share::None };
        let Some((oldest, newest)) = received(file) else { return Share::Some };
        if oldest >= expiry.cutoff {
            return Share::None;
        }
        // Which events a held range's rows are is not in the bounds, so while one is held, files are read.
        let held = !expiry.held.ranges.is_empty() || expiry.held.landings.iter().any(|id| (first..=last).contains(&id.as_str()));
        if newest < expiry.cutoff && !held { Share::All } else { Share::Some }
    }

    /// For each row whether it stays.
    pub fn stays(&self, rows: &RecordBatch) -> Result<BooleanArray> {
        let missing = |name: &str| Error::internal("reading a data file", format!("it has no column `{name}`"));
        let column = |name: &str| rows.column_by_name(name).ok_or_else(|| missing(name));
        let landings = column("_landing")?.as_string_opt::<i32>().ok_or_else(|| missing("_landing"))?;
        let events = column("_event")?.as_string_opt::<i32>().ok_or_else(|| missing("_event"))?;
        let received = column("_received_at")?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| missing("_received_at"))?;
        let stays = (0..rows.num_rows()).map(|row| {
            let landing = if landings.is_valid(row) { landings.value(row) } else { "" };
            let event = events.is_valid(row).then(|| events.value(row));
            let at = Timestamp(received.value(row));
            !self.landings.contains_key(landing) && !self.is_over(landing, event, at) && !self.is_replayed(event, at)
        });
        Ok(BooleanArray::from_iter(stays.map(Some)))
    }

    fn is_replayed(&self, event: Option<&str>, received: Timestamp) -> bool {
        let Some(window) = &self.replay else { return false };
        match event.map(str::parse::<EventId>) {
            Some(Ok(event)) => window.has_event(&event),
            _ => (window.from..window.to).contains(&received),
        }
    }

    fn is_over(&self, landing: &str, event: Option<&str>, received: Timestamp) -> bool {
        let Some(expiry) = self.expiry.as_ref().filter(|expiry| received < expiry.cutoff) else { return false };
        let by_event = || event.and_then(|event| event.parse::<EventId>().ok()).is_some_and(|event| expiry.held.has_event(&event));
        let by_id = || expiry.held.landings.iter().any(|held| held.as_str() == landing);
        !(by_id() || (!expiry.held.ranges.is_empty() && by_event()))
    }
}

/// Between which moments the rows of a file were received, the last included. Bounds are in milliseconds, cut off.
fn received(file: &File) -> Option<(Timestamp, Timestamp)> {
    let stats = file.stats();
    let moment = |bounds: &serde_json::Map<String, serde_json::Value>| {
        DateTime::parse_from_rfc3339(bounds.get("_received_at")?.as_str()?).ok().map(|at| at.timestamp_micros())
    };
    Some((Timestamp(moment(&stats.min_values)?), Timestamp(moment(&stats.max_values)? + 999)))
}
