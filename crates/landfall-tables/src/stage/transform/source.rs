//! The table `input`: a stream that is read once.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::EmptyRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use parking_lot::Mutex;

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
