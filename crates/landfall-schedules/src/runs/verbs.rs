//! What a run goes through, and what can be asked about it.

use std::time::Duration;

use landfall_catalog::Topic;
use landfall_catalog::datasets::json;
use landfall_catalog::engine::{Tx, Value};
use landfall_catalog::landings;
use landfall_catalog::lists::Page;
use landfall_model::{DatasetName, Error, ErrorKind, FileKey, LandingId, Phase, Principal, Result, RunId, Timestamp, Window, limits};

use super::{Cut, Run, SELECT, Turn, cut, find, run_of};
use crate::{Schedules, schedules};

/// The runs of a schedule that are not at their end, whose turn it is first.
fn open(tx: &mut Tx, schedule: &DatasetName, states: &str) -> Result<Option<Run>> {
    let sql = format!("{SELECT} where schedule = $1 and state in ({states}) order by backfill, window_to limit 1");
    tx.query_opt(&sql, &[schedule.as_str().into()])?.as_ref().map(run_of).transpose()
}

fn lease_until(tx: &mut Tx, run: &Run) -> Result<Timestamp> {
    let row = tx.query_opt("select lease_until from runs where id = $1", &[run.id.as_str().into()])?;
    Ok(Timestamp(row.map_or(Ok(0), |row| row.int(0))?))
}

fn take_turn(tx: &mut Tx, schedule: &DatasetName, owner: &str, now: Timestamp) -> Result<Turn> {
    // The lock makes one node at a time choose.
    let lock = format!("select 1 from schedules where name = $1{}", tx.for_update());
    tx.query(&lock, &[schedule.as_str().into()])?;
    if let Some(landed) = open(tx, schedule, "'landed'")? {
        return Ok(Turn::Landed(Box::new(landed)));
    }
    let run = match open(tx, schedule, "'running'")? {
        Some(run) if lease_until(tx, &run)? > now => return Ok(Turn::Taken),
        Some(left) => left,
        None => match open(tx, schedule, "'waiting'")? {
            Some(run) if run.run_at > now => return Ok(Turn::Waits(run.run_at)),
            Some(run) => run,
            None => return Ok(Turn::Nothing),
        },
    };
    let sql = "update runs set state = 'running', epoch = epoch + 1, attempts = attempts + 1, owner = $2, lease_until = $3, \
               started_at = $4 where id = $1";
    tx.execute(sql, &[run.id.as_str().into(), owner.into(), now.plus(limits::LEASE).into(), now.into()])?;
    Ok(Turn::Ours(Box::new(find(tx, &run.id)?)))
}

/// True where something of a dataset that was received in the window is still on its way into the table.
fn in_flight(tx: &mut Tx, dataset: &DatasetName, window: Window) -> Result<bool> {
    let sql = "select 1 from landings where dataset = $1 and kind = 'file' and received_at >= $2 and received_at < $3 and state = 'live' \
               and phase in ('received', 'staged') limit 1";
    Ok(tx.query_opt(sql, &[dataset.as_str().into(), window.from.into(), window.to.into()])?.is_some())
}

/// The end of a run whose answer has landed: its rows are in the table, or its file is a dead letter.
fn settle(tx: &mut Tx, run: &Run, now: Timestamp) -> Result<Option<Run>> {
    let landing = run.landing.as_ref().map(|id| landings::find(tx, id)).transpose()?.flatten();
    let phase = landing.filter(|landing| landing.state == landfall_model::LandingState::Live).map(|landing| landing.phase);
    let id: Value = run.id.as_str().into();
    let landed = run.landing.as_ref().map(|id| id.as_str().to_owned());
    match phase {
        Some(Phase::Received | Phase::Staged) => return Ok(None),
        Some(Phase::Loaded) => {
            let sql = "update runs set state = 'done', finished_at = $2, error = null, \
                       rows = (select sum(m.rows) from manifests m where m.landing = $3 and m.state = 'loaded'), \
                       rejected = (select sum(m.rejected_records) from manifests m where m.landing = $3 and m.state = 'loaded') \
                       where id = $1 and state = 'landed'";
            tx.execute(sql, &[id, now.into(), landed.into()])?;
        }
        Some(Phase::Dead) => {
            let sql = "update runs set state = 'failed', finished_at = $2, error = (select d.reason from dead_letters d where d.landing = $3) \
                       where id = $1 and state = 'landed'";
            tx.execute(sql, &[id, now.into(), landed.into()])?;
        }
        // Somebody has put another file in its place, or taken it away: the window is answered anew.
        Some(Phase::Removed) | None => {
            tx.execute("update runs set state = 'waiting', run_at = $2 where id = $1 and state = 'landed'", &[id, now.into()])?;
        }
    }
    find(tx, &run.id).map(Some)
}

/// Puts a run back to its beginning; one that is under way is left alone.
fn again(tx: &mut Tx, id: &str, principal: &str, now: Timestamp) -> Result<bool> {
    let sql = "update runs set state = 'waiting', backfill = 1, principal = $2, attempts = 0, run_at = $3, error = null, started_at = null, \
               finished_at = null where id = $1 and state in ('done', 'failed', 'waiting')";
    Ok(tx.execute(sql, &[id.into(), principal.into(), now.into()])? == 1)
}

impl Schedules {
    /// Whose turn it is of a schedule's runs; one that waits becomes `owner`'s.
    pub async fn take_turn(&self, schedule: &DatasetName, owner: &str) -> Result<Turn> {
        let (schedule, owner, now) = (schedule.clone(), owner.to_owned(), self.0.clock().now());
        let key = schedule.clone();
        // Most looks find nothing, and so need not write.
        let open = self.0.read(move |tx| open(tx, &key, "'waiting', 'running', 'landed'")).await?;
        if open.is_none() {
            return Ok(Turn::Nothing);
        }
        self.0.write(move |tx| take_turn(tx, &schedule, &owner, now)).await
    }

    /// Renews a run's lease; false if it was lost.
    pub async fn renew_run(&self, run: &Run) -> Result<bool> {
        let (run, now) = (run.clone(), self.0.clock().now());
        self.0
            .write(move |tx| {
                let sql = "update runs set lease_until = $3 where id = $1 and epoch = $2 and state = 'running'";
                Ok(tx.execute(sql, &[run.id.as_str().into(), run.epoch.into(), now.plus(limits::LEASE).into()])? == 1)
            })
            .await
    }

    /// What the tables of `datasets` hold now; `None` while something of the window is on its way into one of them.
    pub async fn cut_of(&self, datasets: Vec<DatasetName>, window: Window, wait: bool) -> Result<Option<Cut>> {
        self.0
            .read(move |tx| {
                for dataset in &datasets {
                    if wait && in_flight(tx, dataset, window)? {
                        return Ok(None);
                    }
                }
                cut(tx, &datasets).map(Some)
            })
            .await
    }

    /// The answer of a run has landed. False where the run is somebody else's by now.
    pub async fn run_landed(&self, run: &Run, key: &FileKey, landing: &LandingId, cut: Cut) -> Result<bool> {
        let (run, key, landing) = (run.clone(), key.clone(), landing.clone());
        self.0.write(move |tx| {
            let sql = "update runs set state = 'landed', owner = null, lease_until = 0, file_key = $3, landing = $4, cut = $5, late = 0 \
                       where id = $1 and epoch = $2 and state = 'running'";
            let cut = json(&cut)?;
            let params = [run.id.as_str().into(), run.epoch.into(), key.as_str().into(), landing.as_str().into(), cut.as_str().into()];
            if tx.execute(sql, &params)? == 0 {
                return Ok(false);
            }
            tx.execute("delete from late_landings where run = $1", &[run.id.as_str().into()])?;
            let sql = "update schedules set watch = $2 where name = $1 and watch is null";
            tx.execute(sql, &[run.schedule.as_str().into(), cut.into()])?;
            Ok(true)
        })
        .await
    }

    /// Looks what became of a landed run's answer; `None` while it is on its way into the table.
    pub async fn settle_run(&self, run: &Run) -> Result<Option<Run>> {
        let (run, now) = (run.clone(), self.0.clock().now());
        self.0.write(move |tx| settle(tx, &run, now)).await
    }

    /// Gives a run back for `wait`; `why` says what it waits for. An attempt that only waited does not count.
    pub async fn postpone_run(&self, run: &Run, wait: Duration, why: &str, counts: bool) -> Result<()> {
        let (run, why, now) = (run.clone(), why.to_owned(), self.0.clock().now());
        self.0.write(move |tx| {
            let sql = "update runs set state = 'waiting', owner = null, lease_until = 0, run_at = $3, error = $4, attempts = attempts - $5 \
                       where id = $1 and epoch = $2 and state = 'running'";
            let params = [run.id.as_str().into(), run.epoch.into(), now.plus(wait).into(), why.as_str().into(), i64::from(!counts).into()];
            tx.execute(sql, &params).map(drop)
        })
        .await
    }

    /// Ends a run that fails every time.
    pub async fn fail_run(&self, run: &Run, why: &Error) -> Result<()> {
        let (run, why, now) = (run.clone(), why.to_string(), self.0.clock().now());
        self.0
            .write(move |tx| {
                let sql = "update runs set state = 'failed', owner = null, lease_until = 0, error = $3, finished_at = $4 \
                       where id = $1 and epoch = $2 and state = 'running'";
                tx.execute(sql, &[run.id.as_str().into(), run.epoch.into(), why.as_str().into(), now.into()]).map(drop)
            })
            .await
    }

    /// Has windows of a schedule answered, whether they were before or not, after all that is due by itself. A window whose run
    /// is under way is not begun a second time. Returns the runs in the order of the windows.
    pub async fn ask_runs(&self, schedule: &DatasetName, windows: Vec<Window>, principal: &Principal) -> Result<Vec<Run>> {
        let (name, principal, now) = (schedule.clone(), principal.to_string(), self.0.clock().now());
        let ids: Vec<RunId> = windows.iter().map(|_| RunId::new(self.0.clock())).collect();
        let runs = self
            .0
            .write(move |tx| {
                let schedule = schedules::find(tx, &name)?;
                if schedule.detached {
                    let message = format!("the schedule `{name}` is detached: the configuration no longer declares it, so it runs no more");
                    return Err(Error::new(ErrorKind::Conflict, message));
                }
                let mut runs = Vec::with_capacity(windows.len());
                for (window, id) in windows.iter().zip(&ids) {
                    schedules::insert_run(tx, &schedule.definition, *window, true, &principal, now, id)?;
                    let sql = format!("{SELECT} where schedule = $1 and window_to = $2");
                    let row = tx.query_opt(&sql, &[name.as_str().into(), window.to.into()])?;
                    let run =
                        row.as_ref().map(run_of).transpose()?.ok_or_else(|| Error::internal("asking for a run", "it is not there"))?;
                    again(tx, run.id.as_str(), &principal, now)?;
                    runs.push(find(tx, &run.id)?);
                }
                Ok(runs)
            })
            .await?;
        self.0.wake(Topic::Runs);
        Ok(runs)
    }

    pub async fn run(&self, id: &RunId) -> Result<Run> {
        let id = id.clone();
        self.0.read(move |tx| find(tx, &id)).await
    }

    /// Newest first; of one schedule if `schedule` says so.
    pub async fn list_runs(&self, schedule: Option<&DatasetName>, page: &Page) -> Result<Vec<Run>> {
        match schedule {
            // The name is one that a schedule has, so it cannot hold a quote.
            Some(name) => self.0.page(SELECT, "id", &format!("schedule = '{name}'"), page, run_of).await,
            None => self.0.page(SELECT, "id", "1 = 1", page, run_of).await,
        }
    }

    /// Per schedule, the end of the oldest window that waits to be answered.
    pub async fn oldest_windows(&self) -> Result<Vec<(DatasetName, Timestamp)>> {
        self.0
            .read(|tx| {
                let sql = "select schedule, min(window_to) from runs where state in ('waiting', 'running', 'landed') group by schedule";
                tx.query(sql, &[])?.iter().map(|row| Ok((landings::word(row.text(0)?)?, Timestamp(row.int(1)?)))).collect()
            })
            .await
    }
}
