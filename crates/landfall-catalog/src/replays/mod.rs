//! Replays: the landings of a window are processed again, after a transform
//! was mended. What is staged waits until all of it is; then one load takes it in
//! and the old rows out. A landing that was replaced, deleted or purged meanwhile
//! stays so: what was staged of it is dropped when the load is numbered.
//!
//! The window is rounded out to the ranges of events that were staged together.
//!
//! A replay may go into a side table: then its one load is the first of that
//! table, and nothing of the dataset's own table, manifests or counts changes.

mod load;
mod record;
mod units;

use landfall_model::{
    DatasetName, Error, ErrorKind, EventId, Landing, LandingId, LoadId, Manifest, Region, ReplayId, Result, Timestamp, limits,
};

use crate::beside;
use crate::engine::{Catalog, Row, Topic, Tx};
use crate::landings::word;
use crate::lists::Page;
use crate::loads::Load;
use crate::paths;
use crate::sinks::SinkLease;
use units::{IN_WINDOW, next_unit};

pub(crate) use load::{done, forget_removed, window};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    pub id: ReplayId,
    pub dataset: DatasetName,
    /// Landings received from then on, and before.
    pub from: Timestamp,
    pub to: Timestamp,
    /// The side table that it goes into; `None`: the dataset's own.
    pub into: Option<DatasetName>,
    /// `running`, `paused`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// Of the definition that it applies.
    pub version: i64,
    pub principal: String,
    /// Why it failed.
    pub error: Option<String>,
    /// The load that took it in.
    pub load: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What is staged at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Events that were staged together, but for those with a manifest of their own.
    Range { region: Region, first: i64, last: i64 },
    /// A file, or a batch that was a dead letter once.
    Landing(Box<Landing>),
}

/// How far a replay is, in input records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub staged: i64,
    pub all: i64,
}

/// Which rows a replay's load takes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Rows of files that were received from then on, and before.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Events, as ranges of their numbers.
    pub ranges: Vec<(Region, i64, i64)>,
    /// From then on, and before, every event is in one of the ranges.
    pub safe_from: Timestamp,
    pub safe_to: Timestamp,
    /// From when on, and before when, the events of the ranges were received.
    pub reach_from: Timestamp,
    pub reach_to: Timestamp,
}

impl Window {
    pub fn has_event(&self, event: &EventId) -> bool {
        // In order of region and number, and apart from each other.
        let after = self.ranges.partition_point(|(region, first, _)| (region, first) <= (&event.region, &event.seq));
        let range = after.checked_sub(1).and_then(|place| self.ranges.get(place));
        range.is_some_and(|(region, first, last)| *region == event.region && (*first..=*last).contains(&event.seq))
    }
}

const SELECT: &str =
    "select id, dataset, from_at, to_at, state, version, principal, error, load, created_at, updated_at, into_table from replays";

fn replay_of(row: &Row) -> Result<Replay> {
    Ok(Replay {
        id: word(row.text(0)?)?,
        dataset: word(row.text(1)?)?,
        from: Timestamp(row.int(2)?),
        to: Timestamp(row.int(3)?),
        state: row.text(4)?.to_owned(),
        version: row.int(5)?,
        principal: row.text(6)?.to_owned(),
        error: row.opt_text(7)?.map(str::to_owned),
        load: row.opt_int(8)?,
        created_at: Timestamp(row.int(9)?),
        updated_at: Timestamp(row.int(10)?),
        into: row.opt_text(11)?.map(word).transpose()?,
    })
}

/// True while a replay of the dataset runs or rests.
pub(crate) fn is_active(tx: &mut Tx, dataset: &DatasetName) -> Result<bool> {
    let sql = "select 1 from replays where dataset = $1 and state in ('running', 'paused')";
    Ok(tx.query_opt(sql, &[dataset.as_str().into()])?.is_some())
}

fn find(tx: &mut Tx, id: &ReplayId) -> Result<Replay> {
    let row = tx.query_opt(&format!("{SELECT} where id = $1"), &[id.as_str().into()])?;
    row.as_ref().map(replay_of).transpose()?.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no replay {id}")))
}

/// What was staged for a replay is dropped; the sweep finds its files.
fn forget(tx: &mut Tx, id: &ReplayId, now: Timestamp) -> Result<()> {
    for row in tx.query("select dataset, rejects from manifests where replay = $1 and rejects is not null", &[id.as_str().into()])? {
        paths::gone(tx, row.text(1)?, row.text(0)?, now)?;
    }
    tx.execute("delete from manifests where replay = $1 and state in ('waiting', 'dropped')", &[id.as_str().into()]).map(drop)
}

fn change(tx: &mut Tx, id: &ReplayId, from: &[&str], to: &str, error: Option<&str>, now: Timestamp) -> Result<Replay> {
    let replay = find(tx, id)?;
    let numbered =
        tx.query_opt("select 1 from manifests where replay = $1 and state = 'numbered' limit 1", &[id.as_str().into()])?.is_some();
    if !from.contains(&replay.state.as_str()) || numbered {
        let why = if numbered { "its load is under way".to_owned() } else { format!("it is {}", replay.state) };
        return Err(Error::new(ErrorKind::Conflict, format!("the replay {id} cannot become {to}: {why}")));
    }
    let sql = "update replays set state = $2, error = $3, owner = null, lease_until = 0, updated_at = $4 where id = $1";
    tx.execute(sql, &[id.as_str().into(), to.into(), error.map(str::to_owned).into(), now.into()])?;
    if matches!(to, "cancelled" | "failed") {
        forget(tx, id, now)?;
    }
    find(tx, id)
}

impl Catalog {
    /// Begins a replay of what was received from `from` on and before `to`; `Conflict` while another one of the dataset is
    /// not at its end.
    pub async fn begin_replay(&self, dataset: &DatasetName, from: Timestamp, to: Timestamp, principal: &str) -> Result<Replay> {
        self.begin_replay_into(dataset, None, from, to, principal).await
    }

    /// The same into the side table `into`, which is made for it; `Conflict` too where that name is taken, or the table
    /// holds something.
    pub async fn begin_replay_into(
        &self,
        dataset: &DatasetName,
        into: Option<&DatasetName>,
        from: Timestamp,
        to: Timestamp,
        principal: &str,
    ) -> Result<Replay> {
        let (dataset, into, principal) = (dataset.clone(), into.cloned(), principal.to_owned());
        let (now, id) = (self.clock().now(), ReplayId::new(self.clock()));
        let made = into.is_some();
        let replay = self
            .write(move |tx| {
                let record = crate::datasets::find(tx, &dataset)?;
                let record = record.ok_or_else(|| Error::new(ErrorKind::UnknownDataset, format!("there is no dataset `{dataset}`")))?;
                if let Some(into) = &into {
                    beside::declare(tx, &record, into, &id, now)?;
                }
                let sql = "insert into replays (id, dataset, from_at, to_at, state, version, principal, created_at, updated_at, into_table) \
                           values ($1, $2, $3, $4, 'running', $5, $6, $7, $7, $8) on conflict do nothing";
                let (id, name, into) = (id.as_str().into(), dataset.as_str().into(), into.as_ref().map(DatasetName::as_str).into());
                let window = [from.into(), to.min(now).into(), record.version.into(), principal.as_str().into(), now.into(), into];
                let params = [vec![id, name], window.to_vec()].concat();
                if tx.execute(sql, &params)? == 0 {
                    let message = format!("a replay of `{dataset}` is under way already: wait for it, or cancel it");
                    return Err(Error::new(ErrorKind::Conflict, message));
                }
                let row = tx.query_opt(&format!("{SELECT} where id = $1"), &[params[0].clone()])?;
                row.as_ref().map(replay_of).transpose()?.ok_or_else(|| Error::internal("beginning a replay", "it is not there"))
            })
            .await?;
        if made {
            self.wake(Topic::Definitions);
        }
        self.wake(Topic::Staged);
        Ok(replay)
    }

    /// The replay that runs into the side table `into`.
    pub async fn replay_into(&self, into: &DatasetName) -> Result<Option<Replay>> {
        let into = into.clone();
        self.read(move |tx| {
            let row = tx.query_opt(&format!("{SELECT} where into_table = $1 and state = 'running'"), &[into.as_str().into()])?;
            row.as_ref().map(replay_of).transpose()
        })
        .await
    }

    pub async fn replay(&self, id: &ReplayId) -> Result<Replay> {
        let id = id.clone();
        self.read(move |tx| find(tx, &id)).await
    }

    /// Newest first.
    pub async fn list_replays(&self, page: &Page) -> Result<Vec<Replay>> {
        self.page(SELECT, "id", "1 = 1", page, replay_of).await
    }

    pub async fn replay_progress(&self, replay: &Replay) -> Result<Progress> {
        let replay = replay.clone();
        self.read(move |tx| {
            let sum = |sql: &str, tx: &mut Tx, params: &[crate::engine::Value]| -> Result<i64> {
                tx.query_opt(sql, params)?.map_or(Ok(0), |row| row.int(0))
            };
            let id = [replay.id.as_str().into()];
            let staged = "select cast(coalesce(sum(records), 0) as bigint) from manifests where replay = $1 and state in ('waiting', 'numbered')";
            let staged = sum(staged, tx, &id)?;
            let window = [replay.dataset.as_str().into(), replay.from.into(), replay.to.into()];
            let ranges = sum(&format!("select cast(coalesce(sum(m.records), 0) as bigint) from manifests m where {IN_WINDOW}"), tx, &window)?;
            let files = "select cast(coalesce(sum(records), 0) as bigint) from landings where dataset = $1 and kind = 'file' and state = 'live' \
                         and phase = 'loaded' and received_at >= $2 and received_at < $3";
            Ok(Progress { staged, all: ranges + sum(files, tx, &window)? })
        })
        .await
    }

    /// The running replay of a dataset, leased to `owner`; `None` where none runs, or another node has it.
    pub async fn lease_replay(&self, dataset: &DatasetName, owner: &str) -> Result<Option<Replay>> {
        let (dataset, owner, now) = (dataset.clone(), owner.to_owned(), self.clock().now());
        let sql = "select 1 from replays where dataset = $1 and state = 'running'";
        let key = dataset.clone();
        if self.read(move |tx| tx.query_opt(sql, &[key.as_str().into()])).await?.is_none() {
            return Ok(None);
        }
        self.write(move |tx| {
            let sql = "update replays set owner = $2, lease_until = $3 where dataset = $1 and state = 'running' \
                       and (owner is null or owner = $2 or lease_until <= $4)";
            let params = [dataset.as_str().into(), owner.as_str().into(), now.plus(limits::LEASE).into(), now.into()];
            if tx.execute(sql, &params)? == 0 {
                return Ok(None);
            }
            let row = tx.query_opt(&format!("{SELECT} where dataset = $1 and state = 'running'"), &[dataset.as_str().into()])?;
            row.as_ref().map(replay_of).transpose()
        })
        .await
    }

    /// What is to be staged next; `None`: all of it is.
    pub async fn next_unit(&self, replay: &Replay) -> Result<Option<Unit>> {
        let replay = replay.clone();
        self.read(move |tx| next_unit(tx, &replay)).await
    }

    /// Records what staging a unit produced. False where it does not count any more: the replay is not running, the definition
    /// or the unit has changed, or somebody else has staged the unit.
    pub async fn record_replayed(&self, replay: &Replay, manifest: &Manifest, landing: Option<&LandingId>) -> Result<bool> {
        let (replay, manifest, landing, now) = (replay.clone(), manifest.clone(), landing.cloned(), self.clock().now());
        self.write(move |tx| record::record(tx, &replay, &manifest, landing.as_ref(), now)).await
    }

    /// The definition has changed since the replay began: what was staged is dropped, and it begins anew with version `version`.
    pub async fn restart_replay(&self, id: &ReplayId, version: i64) -> Result<()> {
        let (id, now) = (id.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = "update replays set version = $2, updated_at = $3 where id = $1 and state = 'running' and version <> $2";
            if tx.execute(sql, &[id.as_str().into(), version.into(), now.into()])? == 1 {
                forget(tx, &id, now)?;
                let replay = find(tx, &id)?;
                if let (Some(into), Some(source)) = (&replay.into, crate::datasets::find(tx, &replay.dataset)?) {
                    beside::copy(tx, &source, into, now)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Gives the next number to a replay that is whole; `None` while it is not.
    pub async fn number_replay(&self, lease: &SinkLease, id: LoadId, replay: &Replay) -> Result<Option<Load>> {
        let (lease, replay, now) = (lease.clone(), replay.clone(), self.clock().now());
        let beside = replay.into.is_some();
        let load = self.write(move |tx| load::number(tx, &lease, id, &replay, now)).await?;
        if beside && load.is_some() {
            // The side table has the columns that its dataset has by now.
            self.wake(Topic::Definitions);
        }
        Ok(load)
    }

    /// Lets a replay rest.
    pub async fn pause_replay(&self, id: &ReplayId) -> Result<Replay> {
        self.change_replay(id, &["running"], "paused", None).await
    }

    /// Lets it go on, from where it was.
    pub async fn resume_replay(&self, id: &ReplayId) -> Result<Replay> {
        self.change_replay(id, &["paused"], "running", None).await
    }

    /// Ends it; the table stays as it was.
    pub async fn cancel_replay(&self, id: &ReplayId) -> Result<Replay> {
        self.change_replay(id, &["running", "paused"], "cancelled", None).await
    }

    /// Ends it because of bytes that fail every time; the table stays as it was.
    pub async fn fail_replay(&self, id: &ReplayId, why: &Error) -> Result<Replay> {
        self.change_replay(id, &["running"], "failed", Some(&why.to_string())).await
    }

    async fn change_replay(&self, id: &ReplayId, from: &'static [&'static str], to: &'static str, error: Option<&str>) -> Result<Replay> {
        let (id, error, now) = (id.clone(), error.map(str::to_owned), self.clock().now());
        let replay = self.write(move |tx| change(tx, &id, from, to, error.as_deref(), now)).await?;
        self.wake(Topic::Staged);
        Ok(replay)
    }
}
