//! Events that no memory was left for: decoded by each query that reads them, a page at a time.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::TryStreamExt;
use futures::stream::{self, BoxStream, StreamExt};
use landfall_model::{DatasetName, Error, Result};

use super::tail::Beyond;
use landfall_tables::events::{Bodies, Recipe, decode_events};
use landfall_tables::fit::fit;

pub struct BeyondStream {
    pub bodies: Bodies,
    pub dataset: DatasetName,
    pub recipe: Arc<Recipe>,
    pub events: Beyond,
    pub schema: SchemaRef,
}

impl fmt::Debug for BeyondStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "events of {} in {} above {} up to {}", self.dataset, self.events.region, self.events.after, self.events.last)
    }
}

impl PartitionStream for BeyondStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let read = Read {
            bodies: self.bodies.clone(),
            dataset: self.dataset.clone(),
            recipe: Arc::clone(&self.recipe),
            events: self.events.clone(),
            schema: Arc::clone(&self.schema),
        };
        let rows = read.rows().map_err(|error| DataFusionError::External(Box::new(error)));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}

/// One reading of the events above `events.after`, which moves on as they are read.
struct Read {
    bodies: Bodies,
    dataset: DatasetName,
    recipe: Arc<Recipe>,
    events: Beyond,
    schema: SchemaRef,
}

impl Read {
    fn rows(self) -> BoxStream<'static, Result<RecordBatch>> {
        stream::try_unfold(self, |mut read| async move { Ok(read.next().await?.map(|rows| (rows, read))) }).boxed()
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.events.after < self.events.last {
            let page = self.bodies.above(&self.dataset, &self.events.region, self.events.after).await?;
            let mut page = page.ok_or_else(|| self.gone())?;
            page.batches.retain(|(landing, _)| landing.first_seq <= self.events.last);
            self.events.after = page.last.unwrap_or(self.events.last);
            if page.batches.is_empty() {
                continue;
            }
            let (_, decoded) = decode_events(&self.bodies.catalog, &self.recipe, page.batches).await?;
            return fit(&decoded.rows, &self.schema).map(Some);
        }
        Ok(None)
    }

    fn gone(&self) -> Error {
        let message = format!("the events of `{}` were loaded and cleared away", self.dataset);
        Error::unavailable("reading events that wait to be loaded; ask again", message)
    }
}
