//! Schedules: one task for each. It writes down a run for every fire that has
//! come, also for those that were missed, has them done in the order of their
//! windows, one at a time and by one node, and names what landed late.

mod run;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use landfall_access::Context;
use landfall_catalog::{Catalog, Topic};
use landfall_land::Land;
use landfall_model::{Column, DatasetName, Result, Schedule, Timestamp, Window, limits};
use landfall_schedules::runs::Turn;
use landfall_schedules::schedules::ScheduleRecord;
use landfall_schedules::{Calendar, Schedules};
use parking_lot::Mutex;

use crate::task::{Status, Task};

/// Between two looks for what landed late. Batches are merged when they are a minute old at the least, and are told apart until then.
const WATCH_MICROS: i64 = 10_000_000;

/// What asks the tables for a schedule.
pub trait Answers: Send + Sync {
    /// The datasets whose tables a query names.
    fn sources(&self, sql: &str) -> Result<Vec<DatasetName>>;

    /// The answer of a schedule's query over a window.
    fn answer<'a>(&'a self, context: &'a Context, schedule: &'a Schedule, window: Window) -> BoxFuture<'a, Result<Answered>>;
}

pub struct Answered {
    /// What its columns are called, and the types that a dataset without any gets.
    pub columns: Vec<Column>,
    /// In the schedule's format.
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

/// One schedule on one node.
pub struct RunSchedule {
    catalog: Catalog,
    schedules: Schedules,
    land: Land,
    answers: Arc<dyn Answers>,
    name: DatasetName,
    owner: String,
    /// When this node last looked for what landed late.
    watched: Mutex<Timestamp>,
}

impl RunSchedule {
    /// The task of the schedule `name` on the node that holds leases as `owner`.
    pub fn new(catalog: Catalog, land: Land, answers: Arc<dyn Answers>, name: DatasetName, owner: String) -> RunSchedule {
        let schedules = Schedules::new(catalog.clone());
        RunSchedule { catalog, schedules, land, answers, name, owner, watched: Mutex::default() }
    }

    async fn step(&self) -> Result<Status> {
        let record = self.schedules.get(&self.name).await?;
        if record.detached {
            return Ok(Status::Idle);
        }
        let next = self.plan(&record).await?;
        let status = match self.schedules.take_turn(&self.name, &self.owner).await? {
            Turn::Ours(run) => self.work(&record.definition, &run).await?,
            Turn::Landed(run) => self.settle(&run).await?,
            Turn::Waits(until) => Status::Again(self.until(until)),
            Turn::Taken | Turn::Nothing => Status::Again(next.min(limits::KEEP_EVERY)),
        };
        if status != Status::More {
            self.watch(&record.definition).await?;
        }
        Ok(status)
    }

    /// Writes down the runs of all fires that have come; returns how long it is until the next.
    async fn plan(&self, record: &ScheduleRecord) -> Result<Duration> {
        let calendar = Calendar::of(&record.definition)?;
        let now = self.catalog.clock().now();
        let windows = calendar.windows(record.planned_to, now, record.last_to, limits::WINDOWS_MAX);
        if let Some(last) = windows.last().map(|window| window.to) {
            self.schedules.plan_runs(record, windows, last).await?;
        }
        Ok(calendar.next(now).map_or(limits::KEEP_EVERY, |fire| self.until(fire)))
    }

    fn until(&self, moment: Timestamp) -> Duration {
        let left = moment.micros() - self.catalog.clock().now().micros();
        Duration::from_micros(u64::try_from(left).unwrap_or(0)).max(Duration::from_millis(10))
    }

    async fn watch(&self, schedule: &Schedule) -> Result<()> {
        let now = self.catalog.clock().now();
        if *self.watched.lock() > now.plus_micros(-WATCH_MICROS) {
            return Ok(());
        }
        *self.watched.lock() = now;
        let sources = self.answers.sources(&schedule.sql)?;
        for run in self.schedules.watch_late(&self.name, sources).await? {
            tracing::warn!(schedule = %self.name, window = %run.window, run = %run.id, "landings came after their window was answered; `landfall run` answers it again");
            metrics::counter!("landfall_late_windows_total", "schedule" => self.name.to_string()).increment(1);
        }
        Ok(())
    }
}

impl Task for RunSchedule {
    fn name(&self) -> String {
        format!("schedule {}", self.name)
    }

    fn every(&self) -> Duration {
        limits::KEEP_EVERY
    }

    fn wakes_on(&self) -> &'static [Topic] {
        &[Topic::Runs, Topic::Loaded]
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(self.step())
    }
}
