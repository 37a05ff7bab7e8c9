//! One run: waits until its window is whole, asks, and lands the answer. It may
//! be stopped at any line; whoever does it again lands the same window under the
//! same key.

use std::time::Duration;

use landfall_access::Context;
use landfall_land::Put;
use landfall_model::{Column, Columns, DatasetName, Error, ErrorKind, Result, Schedule, crash, limits};
use landfall_schedules::runs::{Cut, Run};

use super::RunSchedule;
use crate::task::Status;

/// How long a run that waits for files looks away.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl RunSchedule {
    /// Does a run that is ours.
    pub(super) async fn work(&self, schedule: &Schedule, run: &Run) -> Result<Status> {
        crash::point("run.taken");
        let sources = match self.answers.sources(&schedule.sql) {
            Ok(sources) => sources,
            Err(error) => return self.failed(run, &error).await,
        };
        let Some(cut) = self.whole(run, sources).await? else { return Ok(Status::Again(LOOK_AGAIN)) };
        let done = tokio::select! {
            done = self.land(schedule, run, cut) => done,
            lost = self.keep_lease(run) => Err(lost),
        };
        match done {
            Ok(()) => Ok(Status::More),
            Err(error) if error.kind.is_passing() && run.attempts < i64::from(limits::JOB_ATTEMPTS_MAX) => {
                let doublings = u32::try_from(run.attempts).unwrap_or(0).min(16);
                let wait = limits::BACKOFF_FIRST.saturating_mul(1 << doublings).min(limits::BACKOFF_MAX);
                self.schedules.postpone_run(run, wait, &error.to_string(), true).await?;
                Ok(Status::Again(wait))
            }
            Err(error) => self.failed(run, &error).await,
        }
    }

    /// What the tables hold, once all that was received in the window is in them, or has been waited for long enough.
    async fn whole(&self, run: &Run, sources: Vec<DatasetName>) -> Result<Option<Cut>> {
        let now = self.catalog.clock().now();
        if now < run.window.to.plus(limits::WINDOW_GRACE) {
            let wait = run.window.to.plus(limits::WINDOW_GRACE).micros() - now.micros();
            let wait = Duration::from_micros(u64::try_from(wait).unwrap_or(0));
            self.schedules.postpone_run(run, wait, "the window has just ended", false).await?;
            return Ok(None);
        }
        let first = run.created_at.max(run.window.to);
        let wait = now < first.plus(limits::WINDOW_WAIT_MAX);
        let cut = self.schedules.cut_of(sources, run.window, wait).await?;
        if cut.is_none() {
            self.schedules.postpone_run(run, LOOK_AGAIN, "files of the window are on their way into the table", false).await?;
        }
        Ok(cut)
    }

    async fn land(&self, schedule: &Schedule, run: &Run, cut: Cut) -> Result<()> {
        let context = Context::schedule(&schedule.name);
        let key = schedule.key_of(run.window)?;
        let answered = self.answers.answer(&context, schedule, run.window).await?;
        self.fix_columns(schedule, answered.columns).await?;
        crash::point("run.answered");
        let receipt = self.land.file(&context, &schedule.into, Put::new(key.clone()), answered.bytes).await?;
        crash::point("run.landed");
        if !self.schedules.run_landed(run, &key, &receipt.id, cut).await? {
            return Err(Error::new(ErrorKind::Stale, format!("the lease on the run {} was lost", run.id)));
        }
        crash::point("run.recorded");
        Ok(())
    }

    /// Columns that the dataset does not have yet get the types that they have in the answer, whatever its first values are.
    async fn fix_columns(&self, schedule: &Schedule, columns: Vec<Column>) -> Result<()> {
        for column in &columns {
            if let Some(flaw) = Columns::flaw(&column.name) {
                let message = format!("a column of the answer cannot be one of `{}`: {flaw}; name it with `as`", schedule.into);
                return Err(Error::new(ErrorKind::BadSql, message));
            }
        }
        let unknown = || Error::new(ErrorKind::UnknownDataset, format!("there is no dataset `{}`", schedule.into));
        let mut known = self.catalog.dataset(&schedule.into).await?.ok_or_else(unknown)?.columns;
        while !known.declared && columns.iter().any(|column| known.get(&column.name).is_none()) {
            known = self.catalog.extend_columns(&schedule.into, known.version, columns.clone()).await?;
        }
        Ok(())
    }

    async fn keep_lease(&self, run: &Run) -> Error {
        loop {
            tokio::time::sleep(limits::HEARTBEAT).await;
            match self.schedules.renew_run(run).await {
                Ok(true) => {}
                Ok(false) => return Error::new(ErrorKind::Stale, format!("the lease on the run {} was lost", run.id)),
                Err(error) => tracing::warn!(%error, run = %run.id, "the lease on a run could not be renewed"),
            }
        }
    }

    async fn failed(&self, run: &Run, error: &Error) -> Result<Status> {
        tracing::error!(schedule = %self.name, window = %run.window, run = %run.id, %error, "a run failed; `landfall run` does it again");
        metrics::counter!("landfall_runs_total", "schedule" => self.name.to_string(), "state" => "failed").increment(1);
        self.schedules.fail_run(run, error).await?;
        Ok(Status::More)
    }

    /// Looks whether the answer of a run is in the table.
    pub(super) async fn settle(&self, run: &Run) -> Result<Status> {
        let Some(settled) = self.schedules.settle_run(run).await? else { return Ok(Status::Again(LOOK_AGAIN)) };
        if matches!(settled.state.as_str(), "done" | "failed") {
            tracing::info!(schedule = %self.name, window = %run.window, run = %run.id, state = settled.state, rows = settled.rows, "a run is at its end");
            metrics::counter!("landfall_runs_total", "schedule" => self.name.to_string(), "state" => settled.state).increment(1);
        }
        Ok(Status::More)
    }
}
