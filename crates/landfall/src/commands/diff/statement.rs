//! The one statement that compares two tables: everything is counted where the
//! rows are, and what comes back is a line. Pure, from the columns of both.

use std::fmt::Write;

/// What a row is known by in any table that it is in.
const IDENTITY: &str = "_landing, _event, _line";

/// One of the two tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    pub table: String,
    /// Own columns: names and types.
    pub columns: Vec<(String, String)>,
    /// Of a side table: only what was received from then on, and before, was replayed into it.
    pub window: Option<(String, String)>,
}

/// How the columns of two tables stand to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub only_a: Vec<String>,
    pub only_b: Vec<String>,
    /// Name and both types: compared as text.
    pub retyped: Vec<(String, String, String)>,
    /// Each as `a` and as `b` have it.
    terms: Vec<(String, String)>,
}

impl Side {
    fn kind(&self, name: &str) -> Option<&str> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, kind)| kind.as_str())
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Text as a literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Columns {
    pub fn of(a: &Side, b: &Side) -> Columns {
        let mut columns = Columns::default();
        for (name, kind) in &a.columns {
            let own = quoted(name);
            match b.kind(name) {
                None => {
                    columns.only_a.push(name.clone());
                    columns.terms.push((own, "null".into()));
                }
                Some(other) if other == kind => columns.terms.push((own.clone(), own)),
                Some(other) => {
                    columns.retyped.push((name.clone(), kind.clone(), other.to_owned()));
                    let text = format!("cast({own} as varchar)");
                    columns.terms.push((text.clone(), text));
                }
            }
        }
        for (name, _) in b.columns.iter().filter(|(name, _)| a.kind(name).is_none()) {
            columns.only_b.push(name.clone());
            columns.terms.push(("null".into(), quoted(name)));
        }
        columns
    }
}

/// The condition that holds for rows that both could have.
pub fn window(a: &Side, b: &Side) -> String {
    let mut text = String::new();
    for (from, to) in a.window.iter().chain(&b.window) {
        let word = if text.is_empty() { "where" } else { "and" };
        // Written to a String, which never fails.
        let _ = write!(text, " {word} _received_at >= {} and _received_at < {}", literal(from), literal(to));
    }
    text
}

/// Per identity (`i`) how many rows `a` and `b` have, and how many of them are the same. A record may have become several rows,
/// some of them alike, so rows are compared as multisets.
fn identities(a: &Side, b: &Side, columns: &Columns) -> String {
    let names: String = (0..columns.terms.len()).map(|at| format!(", c{at}")).collect();
    let select = |side: &Side, terms: Vec<&String>, of_a: u8, of_b: u8| {
        let terms: String = terms.iter().enumerate().map(|(at, term)| format!(", {term} as c{at}")).collect();
        format!("select {IDENTITY}{terms}, {of_a} as in_a, {of_b} as in_b from {}{}", quoted(&side.table), window(a, b))
    };
    let of_a = select(a, columns.terms.iter().map(|(term, _)| term).collect(), 1, 0);
    let of_b = select(b, columns.terms.iter().map(|(_, term)| term).collect(), 0, 1);
    format!(
        "with u as ({of_a} union all {of_b}), \
         r as (select {IDENTITY}{names}, sum(in_a) as n_a, sum(in_b) as n_b from u group by {IDENTITY}{names}), \
         i as (select {IDENTITY}, sum(n_a) as n_a, sum(n_b) as n_b, sum(least(n_a, n_b)) as same from r group by {IDENTITY})"
    )
}

/// Gives one row: unchanged, changed, added, gone.
pub fn counts(a: &Side, b: &Side, columns: &Columns) -> String {
    let sum = |what: &str| format!("cast(coalesce(sum({what}), 0) as bigint)");
    let [same, changed, added, gone] = ["same", "least(n_a, n_b) - same", "n_b - least(n_a, n_b)", "n_a - least(n_a, n_b)"].map(sum);
    format!("{} select {same} as unchanged, {changed} as changed, {added} as added, {gone} as gone from i", identities(a, b, columns))
}

/// Gives the identities of some rows that differ, with how many of them changed, were added, are gone.
pub fn examples(a: &Side, b: &Side, columns: &Columns, limit: usize) -> String {
    format!(
        "{} select {IDENTITY}, least(n_a, n_b) - same as changed, n_b - least(n_a, n_b) as added, n_a - least(n_a, n_b) as gone from i \
         where n_a <> same or n_b <> same order by {IDENTITY} limit {limit}",
        identities(a, b, columns)
    )
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn columns_are_told_apart_by_side_and_by_type() {
        let column = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
        let a =
            Side { table: "a".into(), columns: vec![column("id", "bigint"), column("old", "text"), column("n", "double")], window: None };
        let window = Some(("2026-11-01T00:00:00Z".to_owned(), "2026-11-02T00:00:00Z".to_owned()));
        let b = Side { table: "b".into(), columns: vec![column("id", "bigint"), column("n", "bigint"), column("ne\"w", "text")], window };
        let columns = Columns::of(&a, &b);
        assert_eq!((columns.only_a.as_slice(), columns.only_b.as_slice()), (&["old".to_owned()][..], &["ne\"w".to_owned()][..]));
        assert_eq!(columns.retyped, [("n".into(), "double".into(), "bigint".into())]);
        expect![[r#"
            with u as (select _landing, _event, _line, "id" as c0, "old" as c1, cast("n" as varchar) as c2, null as c3, 1 as in_a, 0 as in_b from "a" where _received_at >= '2026-11-01T00:00:00Z' and _received_at < '2026-11-02T00:00:00Z' union all select _landing, _event, _line, "id" as c0, null as c1, cast("n" as varchar) as c2, "ne""w" as c3, 0 as in_a, 1 as in_b from "b" where _received_at >= '2026-11-01T00:00:00Z' and _received_at < '2026-11-02T00:00:00Z'), r as (select _landing, _event, _line, c0, c1, c2, c3, sum(in_a) as n_a, sum(in_b) as n_b from u group by _landing, _event, _line, c0, c1, c2, c3), i as (select _landing, _event, _line, sum(n_a) as n_a, sum(n_b) as n_b, sum(least(n_a, n_b)) as same from r group by _landing, _event, _line)
        "#]]
        .assert_eq(&format!("{}\n", identities(&a, &b, &columns)));
    }
}
