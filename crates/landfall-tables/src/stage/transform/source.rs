//! The table `input`: a stream that is read once.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::EmptyRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt;
use landfall_model::Error;
use parking_lot::Mutex;
use tokio::sync::mpsc::Receiver;
use tokio_stream::wrappers::ReceiverStream;

/// Batches that come through a channel, as a stream that ends when the sender goes away.
pub fn channel_stream(schema: SchemaRef, batches: Receiver<RecordBatch>) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(schema, ReceiverStream::new(batches).map(Ok)))
}

/// `own` columns and last their rows' numbers, under `Transform::input_schema`.
pub fn numbered(schema: &SchemaRef, own: RecordBatch, numbers: Int64Array) -> landfall_model::Result<RecordBatch> {
    let arrays = own.columns().iter().cloned().chain([Arc::new(numbers) as ArrayRef]).collect();
    RecordBatch::try_new(Arc::clone(schema), arrays).map_err(|why| Error::internal("feeding a transform", why))
}

/// A schema and the stream, until somebody takes it. Cloning shares it.
#[derive(Clone)]
pub(super) struct Source(Arc<Once>);

struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl Source {
    pub fn once(schema: SchemaRef, rows: SendableRecordBatchStream) -> Source {
        Source(Arc::new(Once { schema, rows: Mutex::new(Some(rows)) }))
    }

    pub fn empty(schema: SchemaRef) -> Source {
        let rows = Box::pin(EmptyRecordBatchStream::new(Arc::clone(&schema)));
        Source::once(schema, rows)
    }

    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let partition: Arc<dyn PartitionStream> = Arc::clone(&self.0) as _;
        Ok(Arc::new(StreamingTable::try_new(Arc::clone(&self.0.schema), vec![partition])?))
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input({})", self.schema)
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        self.rows.lock().take().unwrap_or_else(|| {
            // A plan with two readings is refused before; a stream cannot say so in another way.
            let twice = futures::stream::iter([Err(DataFusionError::Internal("the input was read twice".into()))]);
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), twice))
        })
    }
}
