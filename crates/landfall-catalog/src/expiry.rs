//! Expiry: what a dataset's retention ends. First the landings are ended, a
//! slice at a time; then one load takes everything out of the table that was
//! received before a cutoff, but for what is held. Both are written down with
//! the load, so that a redo takes out the same.
//!
//! Events are not ended one by one: a range that was staged together leaves
//! together, and its batches follow it. So a hold on a batch holds its range.

use landfall_model::{DatasetName, EventId, Kind, Landing, LandingId, LoadId, ManifestId, Region, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::counters;
use crate::datasets::{json, parse};
use crate::engine::{Catalog, Row, Tx, Value};
use crate::files;
use crate::holds;
use crate::landings::{COLUMNS, find, landing_of};
use crate::loads::{self, Load, Opened};
use crate::replays;
use crate::sinks::{DELTA, SinkLease};

/// What leaves a table because its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Everything received before this leaves.
    pub cutoff: Timestamp,
    /// But for this.
    pub held: Held,
}

/// What an expiry passes over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Files, and batches with a manifest of their own.
    pub landings: Vec<LandingId>,
    /// Ranges of events that were staged together.
    pub ranges: Vec<HeldRange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRange {
    pub manifest: ManifestId,
    pub region: Region,
    pub first: i64,
    pub last: i64,
}

impl Held {
    pub fn is_empty(&self) -> bool {
        self.landings.is_empty() && self.ranges.is_empty()
    }

    pub fn has(&self, landing: &Landing) -> bool {
        let in_range = |range: &HeldRange| range.region == landing.region && (range.first..=range.last).contains(&landing.first_seq);
        self.landings.contains(&landing.id) || (landing.kind == Kind::Batch && self.ranges.iter().any(in_range))
    }

    pub fn has_event(&self, event: &EventId) -> bool {
        self.ranges.iter().any(|range| range.region == event.region && (range.first..=range.last).contains(&event.seq))
    }
}

impl Expiry {
    /// True where the landing leaves.
    pub fn takes(&self, landing: &Landing) -> bool {
        landing.received_at < self.cutoff && !self.held.has(landing)
    }
}

/// The expiry of a load, whose cutoff and held stand in the row from the column `at` on.
pub(crate) fn of_load(row: &Row, at: usize) -> Result<Option<Expiry>> {
    let Some(cutoff) = row.opt_int(at)? else { return Ok(None) };
    let held = row.opt_text(at + 1)?.map(parse).transpose()?.unwrap_or_default();
    Ok(Some(Expiry { cutoff: Timestamp(cutoff), held }))
}

/// The newest expiry that was numbered, done or not.
pub(crate) fn latest(tx: &mut Tx, dataset: &DatasetName) -> Result<Option<Expiry>> {
    let key = [dataset.as_str().into(), DELTA.into()];
    let open = "select cutoff, held from loads where dataset = $1 and sink = $2 and state = 'open' and cutoff is not null";
    if let Some(row) = tx.query_opt(open, &key)? {
        return of_load(&row, 0);
    }
    done_expiry(tx, dataset.as_str())
}

/// The newest expiry that the table has taken.
pub(crate) fn done_expiry(tx: &mut Tx, dataset: &str) -> Result<Option<Expiry>> {
    let row = tx.query_opt(
        "select purged_to, held from sinks where dataset = $1 and sink = $2 and purged_to > 0",
        &[dataset.into(), DELTA.into()],
    )?;
    row.map_or(Ok(None), |row| of_load(&row, 0))
}

/// What is held of a dataset and was received before the cutoff.
fn held(tx: &mut Tx, dataset: &DatasetName, cutoff: Timestamp) -> Result<Held> {
    let mut held = Held::default();
    for id in holds::held_landings(tx, dataset.as_str())? {
        let Some(landing) = find(tx, &id)?.filter(|landing| landing.received_at < cutoff) else { continue };
        // While a replay runs, the same range is staged a second time; what counts is the one that is in the table.
        let sql = "select id, first_seq, last_seq from manifests where dataset = $1 and region = $2 and last_seq >= $3 and landing is null \
                   and state = 'loaded' order by last_seq limit 1";
        let params = [dataset.as_str().into(), landing.region.as_str().into(), landing.first_seq.into()];
        let range = if landing.kind == Kind::Batch { tx.query_opt(sql, &params)? } else { None };
        if let Some(row) = range.filter(|row| row.int(1).is_ok_and(|first| first <= landing.first_seq)) {
            let manifest = crate::landings::word(row.text(0)?)?;
            held.ranges.push(HeldRange { manifest, region: landing.region.clone(), first: row.int(1)?, last: row.int(2)? });
        }
        held.landings.push(id);
    }
    Ok(held)
}

/// `column not in (...)` for what is held, after `taken` other parameters.
pub(crate) fn except<'a>(column: &str, ids: impl Iterator<Item = &'a str>, params: &mut Vec<Value>) -> String {
    let mut places = Vec::new();
    for id in ids {
        params.push(id.into());
        places.push(format!("${}", params.len()));
    }
    if places.is_empty() { String::new() } else { format!(" and {column} not in ({})", places.join(", ")) }
}

/// Ranges that are over; ` and id not in (...)` those that are held.
fn ranges_over(dataset: &str, expiry: &Expiry) -> (String, Vec<Value>) {
    let mut params = vec![dataset.into(), expiry.cutoff.into()];
    let held = expiry.held.ranges.iter().map(|range| range.manifest.as_str());
    let of_ranges = except("id", held, &mut params);
    let alone = except("landing", expiry.held.landings.iter().map(LandingId::as_str), &mut params);
    let alone = if alone.is_empty() { alone } else { format!(" and (landing is null or (1 = 1{alone}))") };
    (format!("dataset = $1 and region is not null and state = 'loaded' and received_to <= $2{of_ranges}{alone}"), params)
}

/// Live landings that have a life of their own and are over.
fn live_over(tx: &mut Tx, dataset: &str, cutoff: Timestamp, limit: usize) -> Result<Vec<Landing>> {
    let over = "dataset = $1 and received_at < $2 and state = 'live' and not exists (select 1 from holds h where h.subject = landings.id)";
    let mut found = Vec::new();
    for of_kind in ["kind = 'file'", "kind = 'batch' and phase <> 'received'"] {
        let sql = format!("select {COLUMNS} from landings where {of_kind} and {over} order by received_at limit {limit}");
        for row in tx.query(&sql, &[dataset.into(), cutoff.into()])? {
            found.push(landing_of(&row)?);
        }
    }
    Ok(found)
}

/// True where rows in the table are over, or landings that have none there any more: what was replaced, deleted or never read.
fn something_over(tx: &mut Tx, dataset: &str, expiry: &Expiry) -> Result<bool> {
    let (purged_to, released) = done_expiry(tx, dataset)?.map_or((0, Vec::new()), |done| (done.cutoff.micros(), done.held.landings));
    let mut params = vec![dataset.into(), expiry.cutoff.into(), purged_to.into()];
    // What was held when the table was purged last, and is not any more, is still there.
    let not_released = except("id", released.iter().map(LandingId::as_str), &mut params);
    let files = format!(
        "select 1 from landings where dataset = $1 and kind = 'file' and received_at < $2 and state <> 'live' \
         and not (received_at < $3{not_released}) and not exists (select 1 from holds h where h.subject = landings.id) limit 1"
    );
    if tx.query_opt(&files, &params)?.is_some() {
        return Ok(true);
    }
    let (ranges, params) = ranges_over(dataset, expiry);
    Ok(tx.query_opt(&format!("select 1 from manifests where {ranges} limit 1"), &params)?.is_some())
}

fn waits(tx: &mut Tx, dataset: &DatasetName, cutoff: Timestamp) -> Result<Option<Expiry>> {
    if holds::holds_dataset(tx, dataset.as_str())? {
        return Ok(None);
    }
    let expiry = Expiry { cutoff, held: held(tx, dataset, cutoff)? };
    Ok(if something_over(tx, dataset.as_str(), &expiry)? { Some(expiry) } else { None })
}

fn number(tx: &mut Tx, lease: &SinkLease, id: LoadId, cutoff: Timestamp, now: Timestamp) -> Result<Option<Load>> {
    let dataset = lease.dataset.as_str();
    let number = loads::next_number(tx, lease)?;
    let ended = live_over(tx, dataset, cutoff, 1)?.is_empty();
    let Some(expiry) = waits(tx, &lease.dataset, cutoff)?.filter(|_| ended) else { return Ok(None) };
    let (ranges, params) = ranges_over(dataset, &expiry);
    let row = tx.query_opt(&format!("select count(*) from manifests where {ranges}"), &params)?;
    let removals = row.map(|row| row.int(0)).transpose()?.unwrap_or(0);
    let opened = Opened { number, id, records: 0, rows: 0, landings: 0, removals, expiry: Some(&expiry), replay: None, follows: None };
    loads::open(tx, lease, &opened, now)?;
    loads::open_load(tx, &lease.dataset)
}

/// The table has taken the expiry with `version`.
pub(crate) fn done(tx: &mut Tx, dataset: &str, expiry: &Expiry, version: i64, now: Timestamp) -> Result<()> {
    let (ranges, params) = ranges_over(dataset, expiry);
    tx.execute(&format!("update manifests set state = 'removed' where {ranges}"), &params)?;
    replays::forget_removed(tx, dataset, now)?;
    let sql = "update sinks set purged_to = case when purged_to > $3 then purged_to else $3 end, purge_version = $4, held = $5 \
               where dataset = $1 and sink = $2";
    let params = [dataset.into(), DELTA.into(), expiry.cutoff.into(), version.into(), json(&expiry.held)?.into()];
    tx.execute(sql, &params).map(drop)
}

impl Catalog {
    /// Ends the life of landings that were received before `cutoff` and are not held, at most `limit` of a kind; returns how
    /// many. Their rows stay in the table until the expiry is loaded.
    pub async fn expire_landings(&self, dataset: &DatasetName, cutoff: Timestamp, limit: usize) -> Result<usize> {
        let (dataset, now) = (dataset.clone(), self.clock().now());
        let (ended, removed) = self
            .write(move |tx| {
                if holds::holds_dataset(tx, dataset.as_str())? {
                    return Ok((0, Vec::new()));
                }
                let over = live_over(tx, dataset.as_str(), cutoff, limit)?;
                let mut removed = Vec::new();
                for landing in &over {
                    removed.extend(files::expire(tx, landing, now)?);
                }
                Ok((over.len(), removed))
            })
            .await?;
        counters::add(removed);
        Ok(ended)
    }

    /// True where an expiry up to `cutoff` would end or take out something.
    pub async fn expiry_waits(&self, dataset: &DatasetName, cutoff: Timestamp) -> Result<bool> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            if holds::holds_dataset(tx, dataset.as_str())? {
                return Ok(false);
            }
            Ok(!live_over(tx, dataset.as_str(), cutoff, 1)?.is_empty() || waits(tx, &dataset, cutoff)?.is_some())
        })
        .await
    }

    /// Gives the next number to an expiry up to `cutoff`; `None` where it would take nothing out, or where landings have to
    /// be ended before. The caller has made sure that no load is open.
    pub async fn number_expiry(&self, lease: &SinkLease, id: LoadId, cutoff: Timestamp) -> Result<Option<Load>> {
        let (lease, now) = (lease.clone(), self.clock().now());
        self.write(move |tx| number(tx, &lease, id, cutoff, now)).await
    }
}
