//! A statement's plan, over the tables that a session has.

use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use futures::future::BoxFuture;

/// The plan as written, not yet optimised. The error is DataFusion's own: who asked gives it its kind.
pub fn plan(session: &SessionState, statement: Statement) -> BoxFuture<'_, Result<LogicalPlan>> {
    Box::pin(session.statement_to_plan(statement))
}
