//! One statement of SQL, admitted: something that asks and changes nothing.

use datafusion::common::TableReference;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::Statement as Sql;
use landfall_model::{Error, ErrorKind, Result, limits};

use crate::depth;
use crate::failure::failure;

/// The only statement of `sql`.
pub fn parse(sql: &str) -> Result<Statement> {
    if sql.len() > limits::SQL_BYTES_MAX {
        let message = format!("the statement has {} bytes, at most {} are allowed", sql.len(), limits::SQL_BYTES_MAX);
        return Err(bad(message));
    }
    depth::check(sql)?;
    let mut statements = DFParser::parse_sql(sql).map_err(failure)?;
    match (statements.pop_front(), statements.len()) {
        (None, _) => Err(bad("there is no statement to answer")),
        (Some(_), 1..) => Err(bad(format!("one statement at a time is answered, and here are {}", statements.len() + 1))),
        (Some(statement), 0) if asks(&statement) => Ok(statement),
        (Some(statement), 0) => {
            let words: String = statement.to_string().split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            Err(bad(format!(
                "`{words} ...` is not answered here: tables change by what lands; select, with, values, explain, show tables and describe are"
            )))
        }
    }
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadSql, message)
}

fn asks(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(explain) => asks(&explain.statement),
        Statement::Statement(sql) => asks_sql(sql),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => false,
    }
}

fn asks_sql(sql: &Sql) -> bool {
    match sql {
        Sql::Query(_) | Sql::ShowTables { .. } | Sql::ShowColumns { .. } | Sql::ShowFunctions { .. } | Sql::ExplainTable { .. } => true,
        Sql::Explain { statement, .. } => asks_sql(statement),
        _ => false,
    }
}

/// The tables that the statement names, without those that it defines itself.
pub fn references(statement: &Statement) -> Result<Vec<TableReference>> {
    Ok(resolve_table_references(statement, true).map_err(failure)?.0)
}

/// Refuses a plan that would change something, however deep it hides that.
pub fn admit(plan: &LogicalPlan) -> Result<()> {
    let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    reading.verify_plan(plan).map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_is_admitted_and_what_changes_is_not() {
        for sql in ["select 1;", "with a as (select 1) select * from a", "values (1)", "explain select 1", "show tables", "describe orders"]
        {
            assert!(parse(sql).is_ok(), "{sql}");
        }
        for (sql, part) in [
            ("", "no statement"),
            ("select 1; select 2", "here are 2"),
            ("insert into orders values (1)", "`INSERT INTO ...`"),
            ("explain insert into orders values (1)", "not answered"),
            ("drop table orders", "tables change by what lands"),
            ("create table a as select 1", "not answered"),
            ("copy orders to '/tmp/x'", "not answered"),
            ("set a = 1", "not answered"),
            ("selec 1", "Expected"),
        ] {
            let error = parse(sql).unwrap_err();
            assert!(error.kind == ErrorKind::BadSql && error.message.contains(part), "{sql}: {error}");
        }
    }

    #[test]
    fn references_leave_out_what_the_statement_defines() {
        let statement = parse("with a as (select * from Orders) select * from a join landfall.jobs using (x)").unwrap();
        let names: Vec<_> = references(&statement).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["orders", "landfall.jobs"]);
    }
}
