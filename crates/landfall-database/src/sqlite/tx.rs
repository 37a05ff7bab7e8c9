//! A transaction on a SQLite connection. SQLite reads `$1` as a parameter of
//! that name, so the shared dialect needs no translation.

use landfall_model::{Error, Result};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection};

use super::error;
use crate::value::{Row, Value};

/// More parameters than any of our statements has.
const NAMES: [&str; 24] = [
    "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16", "$17", "$18", "$19", "$20",
    "$21", "$22", "$23", "$24",
];

pub(crate) struct SqliteTx<'a> {
    connection: &'a Connection,
    /// Bytes that were bound so far.
    pub(super) bytes: usize,
}

impl<'a> SqliteTx<'a> {
    pub(super) fn new(connection: &'a Connection) -> SqliteTx<'a> {
        SqliteTx { connection, bytes: 0 }
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let mut statement = self.bind(sql, params)?;
        let changed = statement.raw_execute().map_err(|why| error::of(sql, &why))?;
        Ok(changed as u64)
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let mut statement = self.bind(sql, params)?;
        let width = statement.column_count();
        let mut answer = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|why| error::of(sql, &why))? {
            let values = (0..width).map(|column| row.get_ref(column).map_err(|why| error::of(sql, &why)).and_then(value_of));
            answer.push(Row(values.collect::<Result<_>>()?));
        }
        Ok(answer)
    }

    /// Savepoints may share one name: the innermost is meant.
    pub(crate) fn savepoint(&mut self) -> Result<()> {
        command(self.connection, "savepoint part")
    }

    pub(crate) fn end_savepoint(&mut self, keep: bool) -> Result<()> {
        let undone = if keep { Ok(()) } else { command(self.connection, "rollback to part") };
        let ended = undone.and_then(|()| command(self.connection, "release part"));
        // What cannot be undone alone is undone with everything, so that no half of it is ever committed.
        if ended.is_err() && !self.connection.is_autocommit() {
            command(self.connection, "rollback")?;
        }
        ended
    }

    fn bind(&mut self, sql: &str, params: &[Value]) -> Result<CachedStatement<'a>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|why| error::of(sql, &why))?;
        if statement.parameter_count() != params.len() || params.len() > NAMES.len() {
            let why = format!("it wants {} parameters and was given {}", statement.parameter_count(), params.len());
            return Err(Error::internal(sql, why));
        }
        for (name, value) in NAMES.iter().zip(params) {
            statement.raw_bind_parameter(*name, value).map_err(|why| error::of(sql, &why))?;
            self.bytes += value.size();
        }
        Ok(statement)
    }
}

/// Runs a statement without parameters and rows, kept prepared.
pub(super) fn command(connection: &Connection, sql: &str) -> Result<()> {
    run(connection, sql).map_err(|why| error::of(sql, &why))
}

/// The same with SQLite's own error.
pub(super) fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(drop)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value_of(value: ValueRef<'_>) -> Result<Value> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|why| Error::internal("text in the catalog", why))?;
            Ok(Value::Text(text.to_owned()))
        }
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec().into())),
        ValueRef::Real(number) => Err(Error::internal("a column of the catalog", format!("{number} is not of a type that the schema has"))),
    }
}
