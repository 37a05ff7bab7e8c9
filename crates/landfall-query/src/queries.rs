//! The handle that answers SQL.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datafusion::common::ParamValues;
use datafusion::execution::SessionState;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use futures::future::BoxFuture;
use landfall_access::{Context, Gate};
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{DatasetName, Error, ErrorKind, Result, Timestamp, Window, limits};
use landfall_sql::failure;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::params;
use super::run::{Run, too_long};
use super::session::{DATASETS, Sessions};
use super::system::SystemTables;
use super::tables::Visible;
use crate::live::Live;

/// Cloning shares it.
#[derive(Clone)]
pub struct Queries {
    visible: Visible,
    sessions: Arc<Sessions>,
    places: Arc<Semaphore>,
    within: Duration,
}

/// One statement, and the values of its parameters.
struct Asked<'a> {
    sql: &'a str,
    values: Option<ParamValues>,
    now: Option<Timestamp>,
}

impl Queries {
    /// `spill` is a folder for what does not fit into memory; whatever is in it is deleted.
    pub fn new(catalog: Catalog, definitions: Definitions, live: Live, gate: Gate, spill: &Path) -> Result<Queries> {
        let sessions = Sessions::new(live.store(), spill, catalog.clock().clone())?;
        let system = SystemTables::new(catalog, live.store().clone());
        Ok(Queries {
            visible: Visible { definitions, gate, live, system },
            sessions: Arc::new(sessions),
            places: Arc::new(Semaphore::new(limits::QUERIES_MAX)),
            within: limits::QUERY_TIMEOUT,
        })
    }

    #[cfg(test)]
    pub(crate) fn ending_after(mut self, within: Duration) -> Queries {
        self.within = within;
        self
    }

    /// The answer to one statement that only reads, as of now: all that was acked before this call is in it. Rows
    /// stream as they are read; what goes wrong before the first of them is an error here.
    pub fn run<'a>(&'a self, context: &'a Context, sql: &'a str, params: &'a [Value]) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let values = params::scalars(params)?;
            let values = (!values.is_empty()).then(|| ParamValues::from(values));
            self.answer(context, Asked { sql, values, now: None }).await
        })
    }

    /// The same for a schedule: `$start` and `$end` are the moments of its window, and `now()` is its end whenever it runs.
    pub fn run_window<'a>(&'a self, context: &'a Context, sql: &'a str, window: Window) -> BoxFuture<'a, Result<Answer>> {
        let asked = Asked { sql, values: Some(params::of_window(window)), now: Some(window.to) };
        Box::pin(self.answer(context, asked))
    }

    /// The datasets that a statement names; others of its tables are left out.
    pub fn sources(&self, sql: &str) -> Result<Vec<DatasetName>> {
        let references = landfall_sql::references(&landfall_sql::parse(sql)?)?;
        let known = self.visible.definitions.all();
        let names = references.iter().filter(|table| table.schema().is_none_or(|schema| schema == DATASETS));
        let mut names: Vec<DatasetName> =
            names.filter_map(|table| table.table().parse().ok()).filter(|name| known.contains_key(name)).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn answer(&self, context: &Context, asked: Asked<'_>) -> Result<Answer> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            let message = format!("{} queries are being answered, and no more are at once; ask again in a moment", limits::QUERIES_MAX);
            Error::new(ErrorKind::Overloaded, message)
        })?;
        let started = Instant::now();
        let begin = async {
            let (session, plan) = self.plan(context, asked).await?;
            let mut rows = execute_stream(plan, session.task_ctx()).map_err(failure)?;
            let first = rows.next().await.transpose().map_err(failure)?;
            Ok((rows, first))
        };
        let (rows, first) = timeout_at(started + self.within, begin).await.map_err(|_| too_long(self.within))??;
        let schema = rows.schema();
        Ok(Answer::new(schema, Run::new(rows, first, started, self.within, place).boxed()))
    }

    async fn plan(&self, context: &Context, asked: Asked<'_>) -> Result<(SessionState, Arc<dyn ExecutionPlan>)> {
        let mut statement = landfall_sql::parse(asked.sql)?;
        let tables = self.visible.open(context, &landfall_sql::references(&statement)?, self.sessions.table_functions()).await?;
        let schemas: Vec<_> = tables.iter().map(|table| table.table.schema()).collect();
        landfall_sql::fit_case(&mut statement, schemas.iter().flat_map(|schema| schema.fields()).map(|field| field.name().as_str()));
        let session = self.sessions.session(tables, asked.now)?;
        let plan = self.physical(&session, statement, asked.values).await?;
        Ok((session, plan))
    }

    async fn physical(&self, session: &SessionState, statement: Statement, values: Option<ParamValues>) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = landfall_sql::plan(session, statement).await.map_err(failure)?;
        landfall_sql::admit(&plan)?;
        let plan = match values {
            Some(values) => plan.with_param_values(values).map_err(failure)?,
            None => plan,
        };
        session.create_physical_plan(&plan).await.map_err(failure)
    }
}
