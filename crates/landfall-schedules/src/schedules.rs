//! Schedules: their definitions, versioned, and up to which fire their runs are planned.

use landfall_catalog::Topic;
use landfall_catalog::datasets::{json, parse};
use landfall_catalog::engine::{Row, Tx};
use landfall_model::{DatasetName, Error, ErrorKind, Result, RunId, Schedule, Timestamp, Window};

use crate::Schedules;

/// A schedule as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRecord {
    pub definition: Schedule,
    /// Grows by one whenever the definition changes.
    pub version: i64,
    /// True where the configuration no longer declares it: it fires no more.
    pub detached: bool,
    /// Every fire up to this moment has its run.
    pub planned_to: Timestamp,
    /// Where the last window that was planned ends.
    pub last_to: Option<Timestamp>,
    pub changed_at: Timestamp,
}

const SELECT: &str = "select definition, version, detached, planned_to, last_to, changed_at from schedules";

fn record(row: &Row) -> Result<ScheduleRecord> {
    Ok(ScheduleRecord {
        definition: parse(row.text(0)?)?,
        version: row.int(1)?,
        detached: row.int(2)? != 0,
        planned_to: Timestamp(row.int(3)?),
        last_to: row.opt_int(4)?.map(Timestamp),
        changed_at: Timestamp(row.int(5)?),
    })
}

/// One that is new, or comes back, fires from now on: what it would have done before is for a backfill.
fn declare_one(tx: &mut Tx, definition: &Schedule, now: Timestamp) -> Result<()> {
    let name = definition.name.as_str();
    let text = json(definition)?;
    let sql = "insert into schedules (name, definition, version, planned_to, changed_at) values ($1, $2, 1, $3, $3) on conflict (name) do nothing";
    tx.execute(sql, &[name.into(), text.as_str().into(), now.into()])?;
    let sql = "update schedules set definition = $2, version = version + 1, changed_at = $3 where name = $1 and definition <> $2";
    tx.execute(sql, &[name.into(), text.as_str().into(), now.into()])?;
    let sql = "update schedules set detached = 0, planned_to = $2, last_to = null, changed_at = $2 where name = $1 and detached = 1";
    tx.execute(sql, &[name.into(), now.into()]).map(drop)
}

pub(crate) fn find(tx: &mut Tx, name: &DatasetName) -> Result<ScheduleRecord> {
    let row = tx.query_opt(&format!("{SELECT} where name = $1"), &[name.as_str().into()])?;
    let unknown =
        || Error::new(ErrorKind::NotFound, format!("there is no schedule `{name}`: declare [schedules.{name}] in the configuration"));
    row.as_ref().map(record).transpose()?.ok_or_else(unknown)
}

/// Writes runs down that wait for their turn; windows that have one already keep it as it is.
pub(crate) fn insert_run(
    tx: &mut Tx,
    schedule: &Schedule,
    window: Window,
    backfill: bool,
    principal: &str,
    now: Timestamp,
    id: &RunId,
) -> Result<bool> {
    let sql = "insert into runs (id, schedule, window_from, window_to, state, backfill, principal, run_at, dataset, created_at) \
               values ($1, $2, $3, $4, 'waiting', $5, $6, $7, $8, $7) on conflict (schedule, window_to) do nothing";
    let params = [
        id.as_str().into(),
        schedule.name.as_str().into(),
        window.from.into(),
        window.to.into(),
        i64::from(backfill).into(),
        principal.into(),
        now.into(),
        schedule.into.as_str().into(),
    ];
    Ok(tx.execute(sql, &params)? == 1)
}

impl Schedules {
    /// Makes the catalog say what the configuration says of schedules: those that are gone are marked detached.
    pub async fn declare(&self, definitions: Vec<Schedule>) -> Result<()> {
        let now = self.0.clock().now();
        self.0
            .write(move |tx| {
                for definition in &definitions {
                    declare_one(tx, definition, now)?;
                }
                for known in tx.query(&format!("{SELECT} where detached = 0"), &[])? {
                    let name = record(&known)?.definition.name;
                    if !definitions.iter().any(|definition| definition.name == name) {
                        let sql = "update schedules set detached = 1, version = version + 1, changed_at = $2 where name = $1";
                        tx.execute(sql, &[name.as_str().into(), now.into()])?;
                    }
                }
                Ok(())
            })
            .await?;
        self.0.wake(Topic::Runs);
        Ok(())
    }

    pub async fn all(&self) -> Result<Vec<ScheduleRecord>> {
        self.0.read(|tx| tx.query(&format!("{SELECT} order by name"), &[])?.iter().map(record).collect()).await
    }

    /// The schedule of that name; `NotFound` where there is none.
    pub async fn get(&self, name: &DatasetName) -> Result<ScheduleRecord> {
        let name = name.clone();
        self.0.read(move |tx| find(tx, &name)).await
    }

    /// Writes down the runs of all fires up to `planned_to`, if nobody has done so since `known` was read: windows in their
    /// order, the newest last.
    pub async fn plan_runs(&self, known: &ScheduleRecord, windows: Vec<Window>, planned_to: Timestamp) -> Result<bool> {
        let (known, now) = (known.clone(), self.0.clock().now());
        let ids: Vec<RunId> = windows.iter().map(|_| RunId::new(self.0.clock())).collect();
        self.0.write(move |tx| {
            let schedule = &known.definition;
            let last_to = windows.last().map(|window| window.to).or(known.last_to);
            let sql =
                "update schedules set planned_to = $3, last_to = $4 where name = $1 and planned_to = $2 and version = $5 and detached = 0";
            let params = [
                schedule.name.as_str().into(),
                known.planned_to.into(),
                planned_to.into(),
                last_to.map(Timestamp::micros).into(),
                known.version.into(),
            ];
            if tx.execute(sql, &params)? == 0 {
                return Ok(false);
            }
            for (window, id) in windows.iter().zip(&ids) {
                insert_run(tx, schedule, *window, false, &format!("schedule:{}", schedule.name), now, id)?;
            }
            Ok(true)
        })
        .await
    }
}
