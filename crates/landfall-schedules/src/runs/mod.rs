//! Runs of schedules: one for each window, in the order of the windows, one at
//! a time for each schedule, leased with a fencing epoch like any other work.
//!
//! A run lands a file, under a key that follows from its window. So a run that
//! is done twice, by a node that came back from the dead or because somebody
//! asked for it again, takes the place of its own answer and adds nothing.

mod late;
mod verbs;

use std::collections::BTreeMap;

use landfall_catalog::engine::{Row, Tx};
use landfall_catalog::landings::word;
use landfall_catalog::sinks::DELTA;
use landfall_model::{DatasetName, Error, ErrorKind, FileKey, LandingId, Region, Result, RunId, Timestamp, Window};
use serde::{Deserialize, Serialize};

pub use late::Late;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub schedule: DatasetName,
    pub window: Window,
    /// `waiting`, `running`, `landed`, `done` or `failed`.
    pub state: String,
    /// Asked for by somebody, so that it waits until all the others are done.
    pub backfill: bool,
    pub principal: String,
    pub attempts: i64,
    pub epoch: i64,
    /// Not before.
    pub run_at: Timestamp,
    /// Where its answer lands, under which key, and which landing it is.
    pub dataset: DatasetName,
    pub key: Option<FileKey>,
    pub landing: Option<LandingId>,
    /// Rows of its answer that are in the table, and that are rejects.
    pub rows: Option<i64>,
    pub rejected: Option<i64>,
    /// Landings of the window that it did not see.
    pub late: i64,
    /// Why it failed, or what it waits for.
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// What the tables of some datasets held at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut(pub BTreeMap<DatasetName, CutOf>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOf {
    /// The last load that was done.
    pub load: i64,
    /// The last event of each region that had landed.
    pub events: BTreeMap<String, i64>,
}

/// What a schedule's next turn is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing waits.
    Nothing,
    /// The next one waits until then.
    Waits(Timestamp),
    /// Another node has a run of the schedule.
    Taken,
    /// This run is ours until its lease ends.
    Ours(Box<Run>),
    /// The answer of this run has landed: whether its rows are in the table is to be looked at.
    Landed(Box<Run>),
}

const SELECT: &str = "select id, schedule, window_from, window_to, state, backfill, principal, attempts, epoch, run_at, dataset, file_key, landing, \
                      rows, rejected, late, error, created_at, started_at, finished_at from runs";

fn run_of(row: &Row) -> Result<Run> {
    Ok(Run {
        id: word(row.text(0)?)?,
        schedule: word(row.text(1)?)?,
        window: Window { from: Timestamp(row.int(2)?), to: Timestamp(row.int(3)?) },
        state: row.text(4)?.to_owned(),
        backfill: row.int(5)? != 0,
        principal: row.text(6)?.to_owned(),
        attempts: row.int(7)?,
        epoch: row.int(8)?,
        run_at: Timestamp(row.int(9)?),
        dataset: word(row.text(10)?)?,
        key: row.opt_text(11)?.map(word).transpose()?,
        landing: row.opt_text(12)?.map(word).transpose()?,
        rows: row.opt_int(13)?,
        rejected: row.opt_int(14)?,
        late: row.int(15)?,
        error: row.opt_text(16)?.map(str::to_owned),
        created_at: Timestamp(row.int(17)?),
        started_at: row.opt_int(18)?.map(Timestamp),
        finished_at: row.opt_int(19)?.map(Timestamp),
    })
}

fn find(tx: &mut Tx, id: &RunId) -> Result<Run> {
    let row = tx.query_opt(&format!("{SELECT} where id = $1"), &[id.as_str().into()])?;
    row.as_ref().map(run_of).transpose()?.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no run {id}")))
}

/// What the tables of `datasets` hold now, and what a query that begins now sees at the least.
fn cut(tx: &mut Tx, datasets: &[DatasetName]) -> Result<Cut> {
    let mut cut = Cut::default();
    for dataset in datasets {
        let row = tx.query_opt("select last_load from sinks where dataset = $1 and sink = $2", &[dataset.as_str().into(), DELTA.into()])?;
        let mut of = CutOf { load: row.map_or(Ok(0), |row| row.int(0))?, events: BTreeMap::new() };
        for row in tx.query("select region, next_seq - 1 from sequences where dataset = $1", &[dataset.as_str().into()])? {
            of.events.insert(word::<Region>(row.text(0)?)?.as_str().to_owned(), row.int(1)?);
        }
        cut.0.insert(dataset.clone(), of);
    }
    Ok(cut)
}
