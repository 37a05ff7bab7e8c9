//! What a transform may be: one query, over `input` alone, whose rows depend on
//! nothing but its input.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::{Expr, LogicalPlan, Signature, Volatility};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast;
use landfall_model::{Error, ErrorKind, Result};

use super::bad;

fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::BadTransform, format!("a transform {why}"))
}

/// The plan of `sql`, which must be one query.
pub(super) async fn plan(context: &SessionContext, sql: &str) -> Result<LogicalPlan> {
    let mut statements = DFParser::parse_sql(sql).map_err(|error| bad(&error))?;
    let (Some(statement), true) = (statements.pop_front(), statements.is_empty()) else {
        return Err(refused("is exactly one `select`"));
    };
    let is_query = matches!(&statement, Statement::Statement(inner) if matches!(**inner, ast::Statement::Query(_)));
    if !is_query {
        return Err(refused(format!("is a `select`, and this is `{statement}`")));
    }
    let state = context.state();
    for table in state.resolve_table_references(&statement).map_err(|error| bad(&error))? {
        if table.table() != "input" || table.schema().is_some() {
            return Err(refused(format!("reads the table `input` and no other, and this one reads `{table}`")));
        }
    }
    landfall_sql::plan(&state, statement).await.map_err(|error| bad(&error))
}

/// Refuses functions whose answer depends on the moment or on chance, and a second reading of `input`.
pub(super) fn deterministic(plan: &LogicalPlan) -> Result<()> {
    let mut functions = Vec::new();
    let mut scans = 0;
    visit(plan, &mut |node| scans += usize::from(is_input(node)), &mut |expr| functions.extend(volatile(expr)))?;
    if let Some(name) = functions.first() {
        return Err(refused(format!("gives the same rows each time, and `{name}()` does not; use a column of `input` instead")));
    }
    if scans > 1 {
        return Err(refused(format!("reads `input` once, as a stream, and this one reads it {scans} times")));
    }
    Ok(())
}

/// Refuses all but projections, filters and unnesting: which events share a batch is chance.
pub(super) fn row_by_row(plan: &LogicalPlan) -> Result<()> {
    let mut wrong = None;
    let mut note = |what: &str| {
        wrong.get_or_insert_with(|| what.to_owned());
    };
    let mut subqueries = false;
    visit(
        plan,
        &mut |node| match node {
            LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Unnest(_) => {}
            LogicalPlan::TableScan(scan) if scan.table_name.table() == "input" => {}
            other => note(node_name(other)),
        },
        &mut |expr| subqueries |= matches!(expr, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_)),
    )?;
    if subqueries {
        note("a subquery");
    }
    match wrong {
        None => Ok(()),
        Some(what) => Err(refused(format!(
            "of events goes row by row (it projects, filters and unnests), since which events share a batch is chance; this one has {what}"
        ))),
    }
}

fn is_input(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::TableScan(scan) if scan.table_name.table() == "input")
}

/// Calls `node` with each node of the plan and of its subqueries, and `expr` with each part of their expressions.
fn visit(plan: &LogicalPlan, node: &mut dyn FnMut(&LogicalPlan), expr: &mut dyn FnMut(&Expr)) -> Result<()> {
    let walked: PlanResult<_> = plan.apply_with_subqueries(|each| {
        node(each);
        each.apply_expressions(|root| {
            root.apply(|part| {
                expr(part);
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map(drop).map_err(|error| bad(&error))
}

/// The name of the function that `expr` calls if its answer is not a matter of its arguments alone.
fn volatile(expr: &Expr) -> Option<String> {
    let named = |name: &str, signature: &Signature| (signature.volatility != Volatility::Immutable).then(|| name.to_owned());
    match expr {
        Expr::ScalarFunction(call) => named(call.func.name(), call.func.signature()),
        Expr::AggregateFunction(call) => named(call.func.name(), call.func.signature()),
        _ => None,
    }
}

fn node_name(node: &LogicalPlan) -> &'static str {
    match node {
        LogicalPlan::Aggregate(_) => "an aggregate",
        LogicalPlan::Window(_) => "a window",
        LogicalPlan::Join(_) => "a join",
        LogicalPlan::Distinct(_) => "a `distinct`",
        LogicalPlan::Sort(_) => "an `order by`",
        LogicalPlan::Limit(_) => "a `limit`",
        LogicalPlan::Union(_) => "a `union`",
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => "rows of its own",
        LogicalPlan::TableScan(_) => "another table",
        _ => "a part that looks at several rows",
    }
}
