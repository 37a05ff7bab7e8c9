//! The `transform` of a dataset: one SQL query over the table `input`, which
//! has the dataset's own columns. It is checked before a row is read, gives the
//! same rows each time, and reads `input` once, as a stream.
//!
//! A query that goes row by row (it projects, filters and unnests) keeps beside
//! its own columns the number of the input row that each output row came from.

mod carry;
mod check;
mod source;
mod types;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::future::BoxFuture;
use landfall_model::{Column, Error, ErrorKind, Result, limits};

pub use carry::ROW;
use source::Source;
pub use source::{channel_stream, numbered};

/// A transform that was checked against the columns of its input.
pub struct Transform {
    /// Over a source that gives no rows.
    plan: LogicalPlan,
    is_row_by_row: bool,
    columns: Vec<Column>,
    input: SchemaRef,
}

impl Transform {
    /// `input`: the dataset's own columns. Errors: `BadTransform`, which says what in the query cannot be.
    pub fn new<'a>(sql: &'a str, input: &'a [Column]) -> BoxFuture<'a, Result<Transform>> {
        Box::pin(Transform::planned(sql, input))
    }

    async fn planned(sql: &str, input: &[Column]) -> Result<Transform> {
        let input = types::input_schema(input);
        let context = session()?;
        let source = Source::empty(Arc::clone(&input));
        source.provider().and_then(|provider| context.register_table("input", provider)).map_err(|error| bad(&error))?;
        let plan = check::plan(&context, sql).await?;
        check::deterministic(&plan)?;
        let columns = types::columns(plan.schema())?;
        Ok(Transform { is_row_by_row: check::row_by_row(&plan).is_ok(), plan, columns, input })
    }

    /// The columns that `sql` makes of `input`; for datasets that take events (`by_row`) it must go row by row.
    pub async fn check(sql: &str, input: &[Column], by_row: bool) -> Result<Vec<Column>> {
        let transform = Transform::new(sql, input).await?;
        if by_row {
            check::row_by_row(&transform.plan)?;
        }
        Ok(transform.columns)
    }

    /// The columns of the table.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// An error that says which part of the query does not go row by row.
    pub fn require_row_by_row(&self) -> Result<()> {
        check::row_by_row(&self.plan)
    }

    /// What `run` takes: the own columns of the input and last `ROW`, 64 bits, never null.
    pub fn input_schema(&self) -> SchemaRef {
        carry::with_row(&self.input)
    }

    /// The query's rows: `columns()` in their Arrow types, and last `ROW`, which is null where the query does not go
    /// row by row. Memory is bounded; what does not fit is spilled. Errors are given back by `failure`.
    pub fn run(&self, rows: SendableRecordBatchStream) -> BoxFuture<'_, Result<SendableRecordBatchStream>> {
        Box::pin(self.started(rows))
    }

    async fn started(&self, rows: SendableRecordBatchStream) -> Result<SendableRecordBatchStream> {
        let context = session()?;
        let source = Source::once(self.input_schema(), rows);
        let plan = if self.is_row_by_row { carry::carried(&self.plan, &source) } else { carry::replaced(&self.plan, &source) };
        let plan = plan.map_err(|error| bad(&error))?;
        let plan = context.state().create_physical_plan(&plan).await.map_err(|error| bad(&error))?;
        let stream = execute_stream(plan, context.task_ctx()).map_err(|error| bad(&error))?;
        Ok(types::as_columns(stream, &self.columns, self.is_row_by_row))
    }
}

/// One partition, so that rows keep their order and a redo gives the same files.
fn session() -> Result<SessionContext> {
    let pool = Arc::new(FairSpillPool::new(limits::TRANSFORM_BYTES_MAX));
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc().map_err(|error| bad(&error))?;
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(limits::BATCH_ROWS).with_information_schema(false);
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// DataFusion's sentence without its noise.
fn bad(error: &DataFusionError) -> Error {
    let message = error.strip_backtrace();
    let message = message.trim_start_matches("Error during planning: ").trim_start_matches("SQL error: ");
    Error::new(ErrorKind::BadTransform, format!("the transform cannot run: {message}"))
}

/// The error of a stream that `run` gave: of whoever feeds it if that failed, of the surroundings, or of the query.
pub fn failure(error: &DataFusionError) -> Error {
    if let Some(fed) = fed(error) {
        return fed.clone();
    }
    match error.find_root() {
        DataFusionError::IoError(why) => Error::unavailable("spilling the rows of a transform", why),
        DataFusionError::ObjectStore(why) => Error::unavailable("reading for a transform", why),
        _ => bad(error),
    }
}

fn fed(error: &DataFusionError) -> Option<&Error> {
    match error.find_root() {
        DataFusionError::External(inner) => inner.downcast_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
