//! Rewriting a checked plan so that it reads the real input, and so that each
//! output row says which input row it came from.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Filter, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias, Unnest};

use super::source::Source;

/// The column that is carried along. No column of a dataset can have this name, which holds a control character.
pub const ROW: &str = "\u{1}row";

/// `schema` and last the column `ROW`.
pub(super) fn with_row(schema: &SchemaRef) -> SchemaRef {
    let row = Arc::new(Field::new(ROW, DataType::Int64, false));
    Arc::new(Schema::new(schema.fields().iter().cloned().chain([row]).collect::<Vec<_>>()))
}

/// The plan over `source`, which has `ROW` as its last column; the plan does not see it.
pub(super) fn replaced(plan: &LogicalPlan, source: &Source) -> Result<LogicalPlan> {
    let rewritten = plan.clone().transform_up(|node| match node {
        LogicalPlan::TableScan(scan) if scan.table_name.table() == "input" => {
            let own: Vec<usize> = (0..scan.source.schema().fields().len()).collect();
            let scan = LogicalPlanBuilder::scan(scan.table_name, provider_as_source(source.provider()?), Some(own))?;
            Ok(Transformed::yes(scan.build()?))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(rewritten.data)
}

/// The plan over `source` with `ROW` carried through every node to the last column. Only for plans that go row by row.
pub(super) fn carried(plan: &LogicalPlan, source: &Source) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            LogicalPlanBuilder::scan(scan.table_name.clone(), provider_as_source(source.provider()?), None)?.build()
        }
        LogicalPlan::Projection(projection) => {
            let input = carried(&projection.input, source)?;
            let mut exprs = projection.expr.clone();
            exprs.push(row_of(&input));
            Projection::try_new(exprs, Arc::new(input)).map(LogicalPlan::Projection)
        }
        LogicalPlan::Filter(filter) => {
            let input = carried(&filter.input, source)?;
            Filter::try_new(filter.predicate.clone(), Arc::new(input)).map(LogicalPlan::Filter)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let input = carried(&alias.input, source)?;
            SubqueryAlias::try_new(Arc::new(input), alias.alias.clone()).map(LogicalPlan::SubqueryAlias)
        }
        LogicalPlan::Unnest(unnest) => {
            let input = carried(&unnest.input, source)?;
            Unnest::try_new(Arc::new(input), unnest.exec_columns.clone(), unnest.options.clone()).map(LogicalPlan::Unnest)
        }
        other => Err(datafusion::error::DataFusionError::Plan(format!("{} does not go row by row", other.display()))),
    }
}

/// `ROW` by the name that it has in `input`, where a table's name may stand before it.
fn row_of(input: &LogicalPlan) -> Expr {
    let (qualifier, _) = input.schema().iter().find(|(_, field)| field.name() == ROW).unzip();
    Expr::Column(Column::new(qualifier.flatten().cloned(), ROW))
}
