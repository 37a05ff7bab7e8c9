//! A dataset's table to DataFusion, as it was at one moment: its files, and the
//! events that are in none of them yet.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::union::UnionExec;

use super::beyond::BeyondStream;
use super::files::FileSet;

pub struct LiveTable {
    pub(super) schema: SchemaRef,
    pub(super) files: Arc<FileSet>,
    /// Decoded events.
    pub(super) rows: Vec<RecordBatch>,
    /// Events that are decoded while they are read.
    pub(super) beyond: Vec<Arc<BeyondStream>>,
}

impl fmt::Debug for LiveTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} batches in memory, {:?}", self.files, self.rows.len(), self.beyond)
    }
}

#[async_trait]
impl TableProvider for LiveTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters choose files, row groups and pages; DataFusion still looks at each row.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(3);
        plans.extend(self.files.scan(session, projection, filters, limit)?);
        if !self.rows.is_empty() {
            plans.push(MemorySourceConfig::try_new_exec(std::slice::from_ref(&self.rows), self.schema(), projection.cloned())?);
        }
        if !self.beyond.is_empty() {
            let streams = self.beyond.iter().map(|stream| Arc::clone(stream) as Arc<dyn PartitionStream>).collect();
            plans.push(Arc::new(StreamingTableExec::try_new(self.schema(), streams, projection, [], false, limit)?));
        }
        if plans.is_empty() {
            let schema = datafusion::physical_plan::project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        UnionExec::try_new(plans)
    }
}
