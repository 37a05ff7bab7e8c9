//! A transaction on a PostgreSQL connection. `begin` and savepoints wait for the
//! next statement and leave together with it, so they cost no round trip.

use landfall_model::{Error, Result};
use tokio::runtime::Runtime;

use super::error::Trouble;
use super::session::{Reply, Session};
use crate::value::{Row, Value};

pub(crate) struct PostgresTx<'a> {
    runtime: &'a Runtime,
    session: &'a mut Session,
    /// Commands that go out before the next statement.
    waiting: Vec<&'static str>,
    /// True once anything went out.
    begun: bool,
    /// The first trouble since the transaction, or the savepoint, was last sound. PostgreSQL answers a `commit` after
    /// a failed statement with a silent rollback, so nothing is ever sent past it.
    trouble: Option<Trouble>,
}

impl<'a> PostgresTx<'a> {
    pub(super) fn new(runtime: &'a Runtime, session: &'a mut Session, begin: &'static str) -> PostgresTx<'a> {
        PostgresTx { runtime, session, waiting: vec![begin], begun: false, trouble: None }
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        Ok(self.one(sql, params)?.changed)
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        Ok(self.one(sql, params)?.rows)
    }

    pub(crate) fn pipeline(&mut self, statements: &[(&str, Vec<Value>)]) -> Result<Vec<Vec<Row>>> {
        let statements = statements.iter().map(|(sql, params)| (*sql, params.as_slice())).collect::<Vec<_>>();
        Ok(self.send(&statements)?.into_iter().map(|reply| reply.rows).collect())
    }

    pub(crate) fn savepoint(&mut self) {
        self.waiting.push("savepoint part");
    }

    pub(crate) fn end_savepoint(&mut self, keep: bool) -> Result<()> {
        if keep {
            self.sound()?;
            self.waiting.push("release savepoint part");
            return Ok(());
        }
        // What the statement did wrong is undone; what happened to the whole transaction is not.
        if matches!(self.trouble, Some(Trouble::Failed(_))) {
            self.trouble = None;
        }
        self.sound()?;
        self.waiting.extend(["rollback to savepoint part", "release savepoint part"]);
        Ok(())
    }

    /// Commits; nothing is sent if nothing was asked.
    pub(super) fn commit(mut self) -> Result<(), Trouble> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        if !self.begun {
            return Ok(());
        }
        self.waiting.push("commit");
        match self.session.send(self.runtime, &self.waiting, &[]) {
            Ok(_) => Ok(()),
            Err(Trouble::Lost(error)) => Err(Trouble::Unknown(error)),
            Err(trouble) => Err(trouble),
        }
    }

    /// Leaves a transaction that only read to be ended after its answer is out; false if none was begun.
    pub(super) fn leave(self) -> Result<bool, Trouble> {
        self.trouble.map_or(Ok(self.begun), Err)
    }

    /// Ends the transaction without keeping anything, and says what had happened to it besides the work's own error.
    pub(super) fn rollback(self) -> Option<Trouble> {
        if matches!(self.trouble, Some(Trouble::Lost(_))) || !self.begun {
            return self.trouble;
        }
        self.session.send(self.runtime, &["rollback"], &[]).err().or(self.trouble)
    }

    fn one(&mut self, sql: &str, params: &[Value]) -> Result<Reply> {
        let reply = self.send(&[(sql, params)])?.pop();
        reply.ok_or_else(|| Error::internal(sql, "it was not answered"))
    }

    fn send(&mut self, statements: &[(&str, &[Value])]) -> Result<Vec<Reply>> {
        self.sound()?;
        self.begun = true;
        let commands = std::mem::take(&mut self.waiting);
        self.session.send(self.runtime, &commands, statements).map_err(|trouble| {
            let error = trouble.error().clone();
            self.trouble = Some(trouble);
            error
        })
    }

    fn sound(&self) -> Result<()> {
        self.trouble.as_ref().map_or(Ok(()), |trouble| Err(trouble.error().clone()))
    }
}
