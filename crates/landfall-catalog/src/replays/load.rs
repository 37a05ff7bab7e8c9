//! The load of a replay: numbered once all of the window is staged, and what it
//! changes in the catalog once the table holds it.

use std::collections::BTreeMap;

use landfall_model::{Error, ErrorKind, LoadId, Manifest, Region, Result, Subject, Timestamp, limits};

use super::units::{in_flight, next_unit};
use super::{Replay, SELECT, Window};
use crate::beside;
use crate::engine::{Row, Tx};
use crate::loads::{self, Load, Opened};
use crate::paths;
use crate::sinks::{DELTA, SinkLease};

/// Drops what was staged of landings and ranges that are not what they were any more.
fn drop_stale(tx: &mut Tx, replay: &Replay) -> Result<()> {
    let ranges = "update manifests set state = 'dropped' where replay = $1 and state = 'waiting' and landing is null and not exists \
                  (select 1 from manifests o where o.dataset = $2 and o.region = manifests.region and o.first_seq = manifests.first_seq \
                  and o.last_seq = manifests.last_seq and o.landing is null and o.state = 'loaded')";
    tx.execute(ranges, &[replay.id.as_str().into(), replay.dataset.as_str().into()])?;
    let landings = "update manifests set state = 'dropped' where replay = $1 and state = 'waiting' and landing is not null and not exists \
                    (select 1 from landings l where l.id = manifests.landing and l.state = 'live' and l.phase = 'loaded')";
    tx.execute(landings, &[replay.id.as_str().into()]).map(drop)
}

pub(super) fn number(tx: &mut Tx, lease: &SinkLease, id: LoadId, replay: &Replay, now: Timestamp) -> Result<Option<Load>> {
    let number = loads::next_number(tx, lease)?;
    let running = format!("{SELECT} where id = $1 and state = 'running'{}", tx.for_update());
    if tx.query_opt(&running, &[replay.id.as_str().into()])?.is_none() {
        return Ok(None);
    }
    drop_stale(tx, replay)?;
    if in_flight(tx, replay)? || next_unit(tx, replay)?.is_some() {
        return Ok(None);
    }
    let key = [replay.id.as_str().into()];
    let sums = "select count(*), cast(coalesce(sum(records - rejected_records), 0) as bigint), cast(coalesce(sum(rows), 0) as bigint) \
                from manifests where replay = $1 and state = 'waiting'";
    let Some(sums) = tx.query_opt(sums, &key)? else { return Ok(None) };
    let (safe_from, safe_to) = safe(tx, replay)?;
    let (reach_from, reach_to) = reach(tx, replay)?;
    let sql = "update replays set safe_from = $2, safe_to = $3, load = $4, updated_at = $5, reach_from = $6, reach_to = $7 where id = $1";
    let moments = [safe_from.into(), safe_to.into(), number.into(), now.into(), reach_from.into(), reach_to.into()];
    tx.execute(sql, &[vec![replay.id.as_str().into()], moments.to_vec()].concat())?;
    let sql = "update manifests set state = 'numbered', load = $2 where replay = $1 and state = 'waiting'";
    tx.execute(sql, &[replay.id.as_str().into(), number.into()])?;
    if let Some(into) = &replay.into {
        beside::copy_columns(tx, &replay.dataset, into)?;
    }
    let count = sums.int(0)?;
    let opened = Opened {
        number,
        id,
        records: sums.int(1)?,
        rows: sums.int(2)?,
        landings: count,
        removals: if replay.into.is_some() { 0 } else { count },
        expiry: None,
        replay: Some(&replay.id),
        follows: None,
    };
    loads::open(tx, lease, &opened, now)?;
    loads::open_load(tx, &lease.dataset)
}

/// Between which moments every event is replayed: after the last of the ranges before the window, before the first behind it.
fn safe(tx: &mut Tx, replay: &Replay) -> Result<(Timestamp, Timestamp)> {
    let sql = "select o.received_to, (select min(l.received_at) from landings l where l.dataset = o.dataset and l.region = o.region \
               and l.kind = 'batch' and l.first_seq = o.first_seq) from manifests o where o.dataset = $1 and o.region is not null \
               and o.landing is null and o.state = 'loaded' and not exists (select 1 from manifests w where w.replay = $2 \
               and w.state = 'waiting' and w.landing is null and w.region = o.region and w.first_seq = o.first_seq)";
    let (mut from, mut to) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
    for row in tx.query(sql, &[replay.dataset.as_str().into(), replay.id.as_str().into()])? {
        let (end, begin) = (Timestamp(row.int(0)?), Timestamp(row.opt_int(1)?.unwrap_or(i64::MIN)));
        if end <= replay.from {
            from = from.max(end);
        } else {
            to = to.min(begin);
        }
    }
    Ok((from, to))
}

/// Between which moments the events were received that are replayed.
fn reach(tx: &mut Tx, replay: &Replay) -> Result<(Timestamp, Timestamp)> {
    let sql = "select min((select min(l.received_at) from landings l where l.dataset = w.dataset and l.region = w.region and l.kind = 'batch' \
               and l.first_seq = w.first_seq)), max(w.received_to) from manifests w where w.replay = $1 and w.state = 'waiting' and w.region is not null";
    let row = tx.query_opt(sql, &[replay.id.as_str().into()])?;
    let at = |column: usize, none: Timestamp| match &row {
        Some(row) => row.opt_int(column).map(|moment| moment.map_or(none, Timestamp)),
        None => Ok(none),
    };
    Ok((at(0, replay.from)?, at(1, replay.to)?))
}

/// What the load of the replay `id` takes out.
pub(crate) fn window(tx: &mut Tx, id: &str, manifests: &[Manifest]) -> Result<Window> {
    let row = tx.query_opt("select from_at, to_at, safe_from, safe_to, reach_from, reach_to from replays where id = $1", &[id.into()])?;
    let row = row.ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("a load is of the replay {id}, which is not there")))?;
    let mut ranges: BTreeMap<Region, Vec<(i64, i64)>> = BTreeMap::new();
    for manifest in manifests {
        if let Subject::Range { region, first, last, .. } = &manifest.subject {
            ranges.entry(region.clone()).or_default().push((*first, *last));
        }
    }
    let at = |column: usize, none: i64| row.opt_int(column).map(|moment| Timestamp(moment.unwrap_or(none)));
    Ok(Window {
        from: Timestamp(row.int(0)?),
        to: Timestamp(row.int(1)?),
        safe_from: at(2, i64::MAX)?,
        safe_to: at(3, i64::MIN)?,
        reach_from: at(4, i64::MIN)?,
        reach_to: at(5, i64::MAX)?,
        ranges: ranges
            .into_iter()
            .flat_map(|(region, ranges)| joined(ranges).into_iter().map(move |(a, b)| (region.clone(), a, b)))
            .collect(),
    })
}

/// Neighbours as one.
fn joined(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ranges.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// The manifests that `new` takes the place of, with their load, level, moment, records and rejects.
fn replaced(tx: &mut Tx, new: &Manifest, landing: Option<&str>) -> Result<Vec<Row>> {
    let fields = "select id, load, level, created_at, records, rejects from manifests where dataset = $1 and state = 'loaded'";
    match (&new.subject, landing) {
        (Subject::Range { region, first, last, .. }, None) => {
            let sql = format!("{fields} and landing is null and region = $2 and first_seq = $3 and last_seq = $4");
            tx.query(&sql, &[new.dataset.as_str().into(), region.as_str().into(), (*first).into(), (*last).into()])
        }
        (_, landing) => tx.query(&format!("{fields} and landing = $2"), &[new.dataset.as_str().into(), landing.unwrap_or_default().into()]),
    }
}

fn swap(tx: &mut Tx, new: &Manifest, now: Timestamp) -> Result<()> {
    let (dataset, id) = (new.dataset.as_str(), new.id.as_str());
    let row = tx.query_opt("select landing from manifests where id = $1", &[id.into()])?;
    let landing = row.map(|row| row.opt_text(0).map(|text| text.map(str::to_owned))).transpose()?.flatten();
    let (mut load, mut level, mut created_at, mut records) = (None, 0, now.micros(), 0);
    for old in replaced(tx, new, landing.as_deref())? {
        (load, level, created_at) = (old.opt_int(1)?, old.int(2)?, old.int(3)?);
        records += old.int(4)?;
        if let Some(rejects) = old.opt_text(5)? {
            paths::gone(tx, rejects, dataset, now.plus(limits::QUERY_TIMEOUT))?;
        }
        tx.execute("delete from manifests where id = $1", &[old.text(0)?.into()])?;
    }
    let sql = "update manifests set state = 'loaded', replay = null, load = $2, level = $3, created_at = $4 where id = $1";
    tx.execute(sql, &[id.into(), load.into(), level.into(), created_at.into()])?;
    recount(tx, new, landing.as_deref(), new.counts.records - records)
}

/// A file may hold another number of records when it is read in another way.
fn recount(tx: &mut Tx, new: &Manifest, landing: Option<&str>, more: i64) -> Result<()> {
    let (Some(landing), true) = (landing, more != 0) else { return Ok(()) };
    tx.execute("update landings set records = records + $2 where id = $1", &[landing.into(), more.into()])?;
    let sql = "update sequences set received_records = received_records + $3 where dataset = $1 and region = (select region from landings where id = $2)";
    tx.execute(sql, &[new.dataset.as_str().into(), landing.into(), more.into()]).map(drop)
}

/// The table holds the replay: its manifests take the place of those before, and nothing else changes. Beside another table
/// they take no place.
pub(crate) fn done(tx: &mut Tx, load: &Load, now: Timestamp) -> Result<()> {
    let sql =
        "select r.id, r.into_table from loads o join replays r on r.id = o.replay where o.dataset = $1 and o.sink = $2 and o.number = $3";
    let row = tx.query_opt(sql, &[load.dataset.as_str().into(), DELTA.into(), load.number.into()])?;
    let row = row.ok_or_else(|| Error::new(ErrorKind::Corrupt, format!("load {} of `{}` is of no replay", load.number, load.dataset)))?;
    if row.opt_text(1)?.is_some() {
        done_beside(tx, load.dataset.as_str(), row.text(0)?, now)?;
    } else {
        for manifest in &load.manifests {
            swap(tx, manifest, now)?;
        }
    }
    let sql = "update replays set state = 'done', owner = null, lease_until = 0, updated_at = $2 where id = $1 and state = 'running'";
    tx.execute(sql, &[row.text(0)?.into(), now.into()]).map(drop)
}

/// Which files the side table has is in its log: of what was staged for it only the rejects are still to be told.
fn done_beside(tx: &mut Tx, side: &str, replay: &str, now: Timestamp) -> Result<()> {
    let key = [replay.into()];
    for row in tx.query("select rejects from manifests where replay = $1 and state = 'dropped' and rejects is not null", &key)? {
        paths::gone(tx, row.text(0)?, side, now)?;
    }
    tx.execute("delete from manifests where replay = $1 and (state = 'dropped' or rejects is null)", &key)?;
    tx.execute("update manifests set state = 'loaded', replay = null where replay = $1", &key).map(drop)
}

/// What was staged again of ranges that an expiry has taken out goes at once: it tells of rows that are gone.
pub(crate) fn forget_removed(tx: &mut Tx, dataset: &str, now: Timestamp) -> Result<()> {
    let sql = "select w.id, w.rejects from manifests w where w.dataset = $1 and w.state in ('waiting', 'dropped') and w.region is not null and exists \
               (select 1 from manifests o where o.dataset = w.dataset and o.region = w.region and o.state = 'removed' and o.first_seq = w.first_seq)";
    for row in tx.query(sql, &[dataset.into()])? {
        if let Some(rejects) = row.opt_text(1)? {
            paths::gone(tx, rejects, dataset, now)?;
        }
        tx.execute("delete from manifests where id = $1", &[row.text(0)?.into()])?;
    }
    Ok(())
}
