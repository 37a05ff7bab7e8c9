//! The schema's versions, forward only. All that are missing run in one
//! transaction that holds a lock, so nodes that start together migrate once.

use landfall_model::{Error, ErrorKind, Result, Timestamp};

use crate::Tx;

/// The texts of all versions in order; the first is version 1. One that was released is never edited.
pub type Schema = &'static [&'static str];

/// Brings the catalog to this program's version. The transaction must hold the database's writer lock (SQLite) or
/// the advisory lock (PostgreSQL).
pub(crate) fn run(tx: &mut Tx<'_>, schema: Schema, now: Timestamp) -> Result<()> {
    tx.execute("create table if not exists schema_migrations (version bigint primary key, applied_at bigint not null)", &[])?;
    let applied = tx.query_opt("select coalesce(max(version), 0) from schema_migrations", &[])?;
    let applied = applied.map_or(Ok(0), |row| row.int(0))?;
    let known = i64::try_from(schema.len()).unwrap_or(i64::MAX);
    if applied > known {
        let message = format!(
            "the catalog has schema version {applied} and this program knows versions up to {known}: it was opened by a newer Landfall; run that one"
        );
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    for (migration, version) in schema.iter().zip(1..) {
        if version <= applied {
            continue;
        }
        for statement in statements(migration, tx.is_postgres()) {
            tx.execute(&statement, &[]).map_err(|error| error.while_(&format!("schema version {version}")))?;
        }
        tx.execute("insert into schema_migrations (version, applied_at) values ($1, $2)", &[version.into(), now.into()])?;
    }
    Ok(())
}

/// A file's statements, which end with a `;` at a line's end. Comments have a line of their own. On PostgreSQL text
/// is compared by bytes, as SQLite does it: keys and ids have no language, and it is faster.
fn statements(migration: &str, postgres: bool) -> Vec<String> {
    let code = migration.lines().filter(|line| !line.trim_start().starts_with("--"));
    let text = code.map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
    let text = if postgres { text.replace(" blob", " bytea").replace(" text", " text collate \"C\"") } else { text };
    text.split(";\n").map(|statement| statement.trim().trim_end_matches(';').to_owned()).filter(|statement| !statement.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_splits_into_statements() {
        let file = "-- One; two.\ncreate table a (\n    b blob not null,\n    c text\n);\n\n-- c\ncreate index d on a (b);\n";
        assert_eq!(statements(file, false), ["create table a (\n    b blob not null,\n    c text\n)", "create index d on a (b)"]);
        assert_eq!(statements(file, true)[0], "create table a (\n    b bytea not null,\n    c text collate \"C\"\n)");
    }
}
