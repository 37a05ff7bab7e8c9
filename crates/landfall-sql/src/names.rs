//! Names in SQL. What is not quoted is lower case, as everywhere in SQL; but
//! files bring columns like `Miles_per_Gallon`, and to ask for quotes around
//! each of them would be no service. So before a statement is planned, an
//! unquoted name that no column has, and that exactly one column has but for
//! its case, becomes the quoted name of that column.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectNamePart, Query, Select, SelectItem, TableAlias, TableFactor, Visit, VisitMut,
    Visitor, VisitorMut,
};

/// Puts the names of columns into the case they have. `columns` are those of all tables that the statement names.
pub fn fit_case<'a>(statement: &mut Statement, columns: impl Iterator<Item = &'a str>) {
    let capital = capital_names(columns);
    if capital.is_empty() {
        return;
    }
    let Statement::Statement(statement) = innermost(statement) else { return };
    let mut aliases = Aliases::default();
    let _ = statement.as_ref().visit(&mut aliases);
    let _ = statement.as_mut().visit(&mut Rewrite { capital, aliases: aliases.0 });
}

fn innermost(statement: &mut Statement) -> &mut Statement {
    match statement {
        Statement::Explain(explain) => innermost(&mut explain.statement),
        other => other,
    }
}

/// Names with capitals by their lower case, where it is no other column's.
fn capital_names<'a>(columns: impl Iterator<Item = &'a str>) -> HashMap<String, String> {
    let mut by_lower: HashMap<String, HashSet<&str>> = HashMap::new();
    for name in columns {
        by_lower.entry(name.to_lowercase()).or_default().insert(name);
    }
    let single = by_lower.into_iter().filter_map(|(lower, names)| match names.into_iter().collect::<Vec<_>>()[..] {
        [name] if name != lower => Some((lower, name.to_owned())),
        _ => None,
    });
    single.collect()
}

/// The names that the statement itself gives to columns, in lower case: they are not rewritten.
#[derive(Default)]
struct Aliases(HashSet<String>);

impl Aliases {
    fn add(&mut self, alias: &Ident) {
        if alias.quote_style.is_none() {
            self.0.insert(alias.value.to_lowercase());
        }
    }

    fn add_columns(&mut self, alias: Option<&TableAlias>) {
        alias.iter().flat_map(|alias| &alias.columns).for_each(|column| self.add(&column.name));
    }
}

impl Visitor for Aliases {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        query.with.iter().flat_map(|with| &with.cte_tables).for_each(|cte| self.add_columns(Some(&cte.alias)));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.add(alias);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. } | TableFactor::TableFunction { alias, .. } => {
                self.add_columns(alias.as_ref());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

struct Rewrite {
    capital: HashMap<String, String>,
    aliases: HashSet<String>,
}

impl Rewrite {
    fn fit(&self, name: &mut Ident) {
        let lower = name.value.to_lowercase();
        if name.quote_style.is_some() || self.aliases.contains(&lower) {
            return;
        }
        if let Some(exact) = self.capital.get(&lower) {
            *name = Ident { value: exact.clone(), quote_style: Some('"'), span: name.span };
        }
    }

    fn fit_using(&self, operator: &mut JoinOperator) {
        let (JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)) = operator
        else {
            return;
        };
        let JoinConstraint::Using(names) = constraint else { return };
        for part in names.iter_mut().flat_map(|name| name.0.iter_mut()) {
            if let ObjectNamePart::Identifier(name) = part {
                self.fit(name);
            }
        }
    }
}

impl VisitorMut for Rewrite {
    type Break = ();

    /// `select Miles as miles`: what the alias names is the column, not the alias itself.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { expr, alias } = item {
                let mut aliases = self.aliases.clone();
                aliases.remove(&alias.value.to_lowercase());
                let _ = expr.visit(&mut Rewrite { capital: self.capital.clone(), aliases });
            }
        }
        for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
            self.fit_using(&mut join.join_operator);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => self.fit(name),
            Expr::CompoundIdentifier(parts) => {
                if let Some(name) = parts.last_mut() {
                    self.fit(name);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::DFParser;

    use super::*;

    fn check(sql: &str, expected: &str) {
        let columns = ["Miles_per_Gallon", "Name", "name", "Origin", "year"];
        let mut statement = DFParser::parse_sql(sql).unwrap().pop_back().unwrap();
        fit_case(&mut statement, columns.into_iter());
        assert_eq!(statement.to_string(), expected);
    }

    #[test]
    fn a_name_takes_the_case_of_the_one_column_it_fits() {
        check("select miles_per_gallon, MILES_PER_GALLON from t", "SELECT \"Miles_per_Gallon\", \"Miles_per_Gallon\" FROM t");
        check(
            "select origin, avg(t.Miles_per_Gallon) from t where year > 1 group by origin order by Origin",
            "SELECT \"Origin\", avg(t.\"Miles_per_Gallon\") FROM t WHERE year > 1 GROUP BY \"Origin\" ORDER BY \"Origin\"",
        );
        check("select * from a join b using (origin)", "SELECT * FROM a JOIN b USING(\"Origin\")");
        check("explain select origin from t", "EXPLAIN SELECT \"Origin\" FROM t");
    }

    #[test]
    fn what_is_quoted_ambiguous_or_an_alias_stays() {
        check("select \"origin\", Name from t", "SELECT \"origin\", Name FROM t");
        check("select Origin as origin from t order by origin", "SELECT \"Origin\" AS origin FROM t ORDER BY origin");
        check("with c(origin) as (select 1) select origin from c", "WITH c (origin) AS (SELECT 1) SELECT origin FROM c");
    }
}
