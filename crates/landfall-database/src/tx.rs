//! A transaction as the verbs see it: statements in the dialect that both
//! databases share, parameters as `$1`, `$2`, ..., answers as rows.

use landfall_model::Result;

use super::postgres::PostgresTx;
use super::sqlite::SqliteTx;
use super::value::{Row, Value};

pub struct Tx<'a>(Backend<'a>);

enum Backend<'a> {
    Sqlite(SqliteTx<'a>),
    Postgres(PostgresTx<'a>),
}

impl<'a> Tx<'a> {
    pub(super) fn sqlite(tx: SqliteTx<'a>) -> Tx<'a> {
        Tx(Backend::Sqlite(tx))
    }

    pub(super) fn postgres(tx: PostgresTx<'a>) -> Tx<'a> {
        Tx(Backend::Postgres(tx))
    }

    pub(super) fn into_sqlite(self) -> Option<SqliteTx<'a>> {
        match self.0 {
            Backend::Sqlite(tx) => Some(tx),
            Backend::Postgres(_) => None,
        }
    }

    pub(super) fn into_postgres(self) -> Option<PostgresTx<'a>> {
        match self.0 {
            Backend::Postgres(tx) => Some(tx),
            Backend::Sqlite(_) => None,
        }
    }

    /// Runs a statement that answers no rows; returns how many it changed.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        match &mut self.0 {
            Backend::Sqlite(tx) => tx.execute(sql, params),
            Backend::Postgres(tx) => tx.execute(sql, params),
        }
    }

    /// Runs a statement and returns all its rows, so it must be one that bounds them.
    pub fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        match &mut self.0 {
            Backend::Sqlite(tx) => tx.query(sql, params),
            Backend::Postgres(tx) => tx.query(sql, params),
        }
    }

    /// The first row, if there is one.
    pub fn query_opt(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Sends all statements before it waits for any (one round trip on PostgreSQL); the rows of each, in order.
    /// If one fails, its error comes back and the others had no effect or lose it with the transaction.
    pub fn pipeline(&mut self, statements: &[(&str, Vec<Value>)]) -> Result<Vec<Vec<Row>>> {
        match &mut self.0 {
            Backend::Sqlite(tx) => statements.iter().map(|(sql, params)| tx.query(sql, params)).collect(),
            Backend::Postgres(tx) => tx.pipeline(statements),
        }
    }

    /// Runs `work` so that its failure undoes only what it did, and the rest of the transaction goes on.
    pub fn savepoint<T>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        match &mut self.0 {
            Backend::Sqlite(tx) => tx.savepoint()?,
            Backend::Postgres(tx) => tx.savepoint(),
        }
        let result = work(self);
        let keep = result.is_ok();
        let ended = match &mut self.0 {
            Backend::Sqlite(tx) => tx.end_savepoint(keep),
            Backend::Postgres(tx) => tx.end_savepoint(keep),
        };
        result.and_then(|value| ended.map(|()| value))
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.0, Backend::Postgres(_))
    }

    /// Put after a `select` whose rows this transaction will change. SQLite has one writer and needs no such thing.
    pub fn for_update(&self) -> &'static str {
        if self.is_postgres() { " for update" } else { "" }
    }

    /// The same, passing over rows that another transaction holds.
    pub fn for_update_skip_locked(&self) -> &'static str {
        if self.is_postgres() { " for update skip locked" } else { "" }
    }
}
