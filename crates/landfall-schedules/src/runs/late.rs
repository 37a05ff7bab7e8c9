//! What landed late: received in a window, and in no table yet when the run of
//! that window looked. Such landings are named, so that somebody can have the
//! window answered again.
//!
//! They are looked for once each, from where the last look ended: events by
//! their numbers, which are in the order of commit; files by the loads.

use std::collections::BTreeMap;

use landfall_catalog::datasets::{json, parse};
use landfall_catalog::engine::{Row, Tx, Value};
use landfall_catalog::landings::word;
use landfall_catalog::lists::Page;
use landfall_model::{DatasetName, LandingId, Principal, Result, RunId, Timestamp, limits};

use super::{Cut, CutOf, Run, cut, run_of};
use crate::Schedules;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    pub run: RunId,
    pub landing: LandingId,
    pub schedule: DatasetName,
    pub dataset: DatasetName,
    pub received_at: Timestamp,
    pub found_at: Timestamp,
}

/// Landings that one look names.
const AT_ONCE: usize = 1000;

/// Something that came into a table after the last look.
struct Came {
    landing: String,
    dataset: DatasetName,
    received_at: i64,
    /// By which load, or as which event of which region.
    load: i64,
    event: Option<(String, i64)>,
}

impl Came {
    /// True where a query that saw what `cut` says did not see it.
    fn is_behind(&self, cut: &Cut) -> bool {
        let Some(of) = cut.0.get(&self.dataset) else { return false };
        match &self.event {
            Some((region, seq)) => *seq > of.events.get(region).copied().unwrap_or(0),
            None => self.load > of.load,
        }
    }
}

/// Where there is more than one look names, `tip` becomes how far it got.
fn events(tx: &mut Tx, dataset: &DatasetName, seen: &CutOf, tip: &mut CutOf, before: i64) -> Result<Vec<Came>> {
    let mut came = Vec::new();
    let sql = format!(
        "select id, received_at, first_seq from landings where dataset = $1 and region = $2 and kind = 'batch' and first_seq > $3 \
         and first_seq <= $4 and received_at < $5 order by first_seq limit {AT_ONCE}"
    );
    for (region, last) in &mut tip.events {
        let first = seen.events.get(region).copied().unwrap_or(0);
        let rows = tx.query(&sql, &[dataset.as_str().into(), region.as_str().into(), first.into(), (*last).into(), before.into()])?;
        for row in &rows {
            let event = Some((region.clone(), row.int(2)?));
            came.push(Came { landing: row.text(0)?.to_owned(), dataset: dataset.clone(), received_at: row.int(1)?, load: 0, event });
        }
        if let Some(row) = rows.get(AT_ONCE - 1) {
            *last = row.int(2)?;
        }
    }
    Ok(came)
}

/// Files, and batches with a manifest of their own, which were dead letters once.
fn loaded(tx: &mut Tx, dataset: &DatasetName, seen: &CutOf, tip: &mut CutOf, before: i64) -> Result<Vec<Came>> {
    let sql = format!(
        "select l.id, l.received_at, m.load from manifests m join landings l on l.id = m.landing where m.dataset = $1 and m.load > $2 \
         and m.load <= $3 and l.received_at < $4 order by m.load limit {AT_ONCE}"
    );
    let rows = tx.query(&sql, &[dataset.as_str().into(), seen.load.into(), tip.load.into(), before.into()])?;
    let of = |row: &Row| {
        Ok(Came { landing: row.text(0)?.to_owned(), dataset: dataset.clone(), received_at: row.int(1)?, load: row.int(2)?, event: None })
    };
    if let Some(row) = rows.get(AT_ONCE - 1) {
        // A load has fewer manifests than that, so this is further than before.
        tip.load = row.int(2)? - 1;
    }
    rows.iter().map(of).collect()
}

/// Names what came late; returns the runs that it is missing in.
fn name(tx: &mut Tx, schedule: &DatasetName, came: &[Came], now: Timestamp) -> Result<Vec<Run>> {
    let mut runs: BTreeMap<RunId, Run> = BTreeMap::new();
    for landing in came {
        let sql = format!(
            "{}, cut from runs where schedule = $1 and window_from <= $2 and window_to > $2 and state in ('landed', 'done')",
            super::SELECT.trim_end_matches(" from runs")
        );
        for row in tx.query(&sql, &[schedule.as_str().into(), landing.received_at.into()])? {
            let run = run_of(&row)?;
            let cut: Cut = row.opt_text(20)?.map(parse).transpose()?.unwrap_or_default();
            if !landing.is_behind(&cut) {
                continue;
            }
            let sql = "insert into late_landings (run, landing, schedule, dataset, received_at, found_at) values ($1, $2, $3, $4, $5, $6) \
                       on conflict (run, landing) do nothing";
            let params: [Value; 6] = [
                run.id.as_str().into(),
                landing.landing.as_str().into(),
                schedule.as_str().into(),
                landing.dataset.as_str().into(),
                landing.received_at.into(),
                now.into(),
            ];
            if tx.execute(sql, &params)? == 1 {
                tx.execute("update runs set late = late + 1 where id = $1", &[run.id.as_str().into()])?;
                runs.insert(run.id.clone(), run);
            }
        }
    }
    Ok(runs.into_values().collect())
}

fn watch(tx: &mut Tx, schedule: &DatasetName, datasets: &[DatasetName], now: Timestamp) -> Result<Vec<Run>> {
    let row = tx.query_opt(&format!("select watch from schedules where name = $1{}", tx.for_update()), &[schedule.as_str().into()])?;
    let seen = row.map(|row| row.opt_text(0).map(|text| text.map(str::to_owned))).transpose()?.flatten();
    let Some(seen) = seen else { return Ok(Vec::new()) };
    // What comes while a run looks is told when it has landed.
    let runs = "select 1 from runs where schedule = $1 and state = 'running' limit 1";
    if tx.query_opt(runs, &[schedule.as_str().into()])?.is_some() {
        return Ok(Vec::new());
    }
    let (seen, mut tip): (Cut, Cut) = (parse(&seen)?, cut(tx, datasets)?);
    if seen == tip {
        return Ok(Vec::new());
    }
    let sql = "select max(window_to) from runs where schedule = $1 and state in ('landed', 'done')";
    let before = tx.query_opt(sql, &[schedule.as_str().into()])?.map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(i64::MIN);
    let mut came = Vec::new();
    for (dataset, tip) in &mut tip.0 {
        // A dataset that the query did not name before: what it has is in the next run.
        let Some(seen) = seen.0.get(dataset) else { continue };
        came.extend(events(tx, dataset, seen, tip, before)?);
        came.extend(loaded(tx, dataset, seen, tip, before)?);
    }
    let missed_in = name(tx, schedule, &came, now)?;
    tx.execute("update schedules set watch = $2 where name = $1", &[schedule.as_str().into(), json(&tip)?.into()])?;
    Ok(missed_in)
}

/// Runs whose answer was overwritten by an older one of theirs: a node that stood still between its query and its landing woke.
fn overtaken(tx: &mut Tx, schedule: &DatasetName, now: Timestamp) -> Result<u64> {
    let sql = "update runs set state = 'waiting', run_at = $2 where schedule = $1 and state = 'done' and finished_at > $4 and exists \
               (select 1 from files f join landings l on l.id = f.landing where f.dataset = runs.dataset and f.key = runs.file_key \
               and f.landing <> runs.landing and l.principal = $3)";
    let since = now.plus_micros(-i64::try_from(limits::OVERTAKEN_AFTER.as_micros()).unwrap_or(0));
    tx.execute(sql, &[schedule.as_str().into(), now.into(), Principal::Schedule(schedule.to_string()).to_string().into(), since.into()])
}

/// Forgets the oldest runs beyond those that are kept.
fn trim(tx: &mut Tx, schedule: &DatasetName) -> Result<()> {
    let sql = format!("select window_to from runs where schedule = $1 order by window_to desc limit 1 offset {}", limits::RUNS_KEPT);
    let Some(row) = tx.query_opt(&sql, &[schedule.as_str().into()])? else { return Ok(()) };
    let old = "schedule = $1 and window_to <= $2 and state in ('done', 'failed')";
    let params = [schedule.as_str().into(), row.int(0)?.into()];
    tx.execute(&format!("delete from late_landings where run in (select id from runs where {old})"), &params)?;
    tx.execute(&format!("delete from runs where {old}"), &params).map(drop)
}

fn late_of(row: &Row) -> Result<Late> {
    Ok(Late {
        run: word(row.text(0)?)?,
        landing: word(row.text(1)?)?,
        schedule: word(row.text(2)?)?,
        dataset: word(row.text(3)?)?,
        received_at: Timestamp(row.int(4)?),
        found_at: Timestamp(row.int(5)?),
    })
}

impl Schedules {
    /// Names what of the windows that were answered came after them; returns the runs that now miss more than they did.
    pub async fn watch_late(&self, schedule: &DatasetName, datasets: Vec<DatasetName>) -> Result<Vec<Run>> {
        let (schedule, now) = (schedule.clone(), self.0.clock().now());
        self.0
            .write(move |tx| {
                overtaken(tx, &schedule, now)?;
                trim(tx, &schedule)?;
                watch(tx, &schedule, &datasets, now)
            })
            .await
    }

    /// What landed late, newest run first.
    pub async fn list_late(&self, run: Option<&RunId>, page: &Page) -> Result<Vec<Late>> {
        let select = "select run, landing, schedule, dataset, received_at, found_at from late_landings";
        // An id holds letters and digits only.
        let filter = run.map_or_else(|| "1 = 1".to_owned(), |run| format!("run = '{run}'"));
        self.0.page(select, "(run || '/' || landing)", &filter, page, late_of).await
    }
}
