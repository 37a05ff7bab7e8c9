//! One system table to DataFusion: a stream of pages, and one dataset's alone where that is asked for.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::TryStreamExt;

use super::pages::Scan;

#[derive(Debug)]
pub struct SystemTable {
    scan: Scan,
    schema: SchemaRef,
}

impl SystemTable {
    pub fn new(scan: Scan) -> SystemTable {
        SystemTable { schema: scan.kind.schema(), scan }
    }
}

/// The name in `dataset = 'name'`, if that is what the filter says.
fn dataset_of(filter: &Expr) -> Option<String> {
    let Expr::BinaryExpr(binary) = filter else { return None };
    let (column, value) = match (binary.left.as_ref(), binary.op, binary.right.as_ref()) {
        (Expr::Column(column), Operator::Eq, Expr::Literal(value, _)) | (Expr::Literal(value, _), Operator::Eq, Expr::Column(column)) => {
            (column, value)
        }
        _ => return None,
    };
    if column.name != "dataset" {
        return None;
    }
    value.try_as_str().flatten().map(str::to_owned)
}

#[async_trait]
impl TableProvider for SystemTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match dataset_of(filter) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let only = filters.iter().find_map(dataset_of);
        let pages = Pages { schema: Arc::clone(&self.schema), scan: Scan { only, ..self.scan.clone() } };
        let plan = StreamingTableExec::try_new(Arc::clone(&self.schema), vec![Arc::new(pages)], projection, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

#[derive(Debug)]
struct Pages {
    schema: SchemaRef,
    scan: Scan,
}

impl PartitionStream for Pages {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = self.scan.clone().batches(Arc::clone(&self.schema));
        let batches = batches.map_err(|error| DataFusionError::External(Box::new(error)));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    #[test]
    fn only_an_equality_on_the_dataset_is_taken() {
        assert_eq!(dataset_of(&col("dataset").eq(lit("orders"))).as_deref(), Some("orders"));
        assert_eq!(dataset_of(&lit("orders").eq(col("dataset"))).as_deref(), Some("orders"));
        for filter in [col("landing").eq(lit("orders")), col("dataset").not_eq(lit("orders")), col("dataset").eq(col("landing"))] {
            assert_eq!(dataset_of(&filter), None);
        }
    }
}
