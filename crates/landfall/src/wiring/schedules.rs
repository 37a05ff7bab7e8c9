//! Schedules: what asks the tables for them, and that each has its task where
//! this node does that work.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use landfall_access::Context;
use landfall_catalog::Catalog;
use landfall_model::{Column, DatasetName, Result, ResultFormat, Schedule, Type, Window};
use landfall_query::{Format, Queries, encode};
use landfall_upkeep::schedules::{Answered, Answers};
use parking_lot::Mutex;

pub struct QueryAnswers(pub Queries);

impl Answers for QueryAnswers {
    fn sources(&self, sql: &str) -> Result<Vec<DatasetName>> {
        self.0.sources(sql)
    }

    fn answer<'a>(&'a self, context: &'a Context, schedule: &'a Schedule, window: Window) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async move {
            let answer = self.0.run_window(context, &schedule.sql, window).await?;
            // What no column can be of is written as text.
            let column = |column: &landfall_query::AnswerColumn| Column::new(&column.name, column.kind.parse().unwrap_or(Type::Text));
            let columns = answer.columns.iter().map(column).collect();
            let format = match schedule.format {
                ResultFormat::Ndjson => Format::Ndjson,
                ResultFormat::Csv => Format::Csv,
            };
            Ok(Answered { columns, bytes: encode(answer, format) })
        })
    }
}

type StartTask = Box<dyn Fn(DatasetName) + Send + Sync>;

/// Starts the task of each schedule, once.
pub struct Schedules {
    /// Does nothing on a node without the role `upkeep`.
    start: StartTask,
    started: Mutex<BTreeSet<DatasetName>>,
}

impl Schedules {
    pub fn new(start: StartTask) -> Schedules {
        Schedules { start, started: Mutex::default() }
    }

    pub async fn refresh(&self, catalog: &Catalog) -> Result<()> {
        for record in landfall_schedules::Schedules::new(catalog.clone()).all().await? {
            let name = record.definition.name;
            if self.started.lock().insert(name.clone()) {
                (self.start)(name);
            }
        }
        Ok(())
    }
}
