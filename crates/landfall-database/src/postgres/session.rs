//! One connection, with the statements that it keeps prepared.

use std::collections::HashMap;

use futures::TryStreamExt;
use futures::future::{join, join_all};
use landfall_model::{Error, Result, limits};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Statement};

use super::address::Address;
use super::error::{Trouble, chain};
use super::value::{row_of, type_of};
use crate::value::{Row, Value};

/// What a statement answered.
pub(super) struct Reply {
    pub(super) rows: Vec<Row>,
    /// Rows that it changed, or gave.
    pub(super) changed: u64,
}

pub(super) struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

/// The runtime of one lane: its thread alone drives its connection.
pub(super) fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().map_err(|why| Error::unavailable("cannot start a lane of the catalog", why))
}

/// The error of a connection that could not be made.
pub(super) fn unreachable(why: &tokio_postgres::Error) -> Error {
    Error::unavailable("cannot reach the PostgreSQL catalog", chain(why))
}

impl Session {
    pub(super) fn open(runtime: &Runtime, address: &Address) -> Result<Session> {
        // Compiling a statement takes a hundred times what ours take to run; the server would, where it counts on many rows.
        let settings = format!(
            "set synchronous_commit = on; set jit = off; set statement_timeout = {}; set lock_timeout = {}; set idle_in_transaction_session_timeout = {}",
            limits::CATALOG_STATEMENT_TIMEOUT.as_millis(),
            limits::CATALOG_LOCK_TIMEOUT.as_millis(),
            limits::CATALOG_IDLE_TIMEOUT.as_millis()
        );
        runtime.block_on(async {
            let (client, connection) = address.connect().await.map_err(|why| unreachable(&why))?;
            tokio::spawn(async move {
                // Whoever uses the client hears that the connection is gone, and why; here it is only told once more.
                if let Err(why) = connection.await {
                    tracing::debug!(why = chain(&why), "a connection to the PostgreSQL catalog ended");
                }
            });
            client.batch_execute(&settings).await.map_err(|why| unreachable(&why))?;
            Ok(Session { client, statements: HashMap::new() })
        })
    }

    /// Sends `commands`, then `statements`, before it waits for any answer. Of several errors the first counts: those
    /// behind it only follow from it.
    pub(super) fn send(&mut self, runtime: &Runtime, commands: &[&str], statements: &[(&str, &[Value])]) -> Result<Vec<Reply>, Trouble> {
        // The server's own limits end a statement; this one is for a server that no longer answers at all.
        let patience = limits::CATALOG_STATEMENT_TIMEOUT + limits::CATALOG_CONNECT_TIMEOUT;
        let answer = runtime.block_on(async { tokio::time::timeout(patience, self.exchange(commands, statements)).await });
        answer.unwrap_or_else(|_| Err(Trouble::Lost(Error::unavailable("the PostgreSQL catalog", "no answer from the server"))))
    }

    async fn exchange(&mut self, commands: &[&str], statements: &[(&str, &[Value])]) -> Result<Vec<Reply>, Trouble> {
        self.prepare(statements).await?;
        let client = &self.client;
        let sent = commands.iter().map(|command| client.batch_execute(command));
        let asked = statements.iter().map(|(sql, params)| ask(client, self.statements.get(*sql), sql, params));
        // Both sides are polled in order, and each request leaves with its first poll.
        let (sent, replies) = join(join_all(sent), join_all(asked)).await;
        for (command, sent) in commands.iter().zip(sent) {
            sent.map_err(|why| Trouble::of(command, &why))?;
        }
        replies.into_iter().collect()
    }

    async fn prepare(&mut self, statements: &[(&str, &[Value])]) -> Result<(), Trouble> {
        if self.statements.len() + statements.len() > limits::CATALOG_STATEMENTS_MAX {
            self.statements.clear();
        }
        for (sql, params) in statements {
            if self.statements.contains_key(*sql) {
                continue;
            }
            let types = params.iter().map(type_of).collect::<Vec<_>>();
            let statement = self.client.prepare_typed(sql, &types).await.map_err(|why| Trouble::of(sql, &why))?;
            self.statements.insert((*sql).to_owned(), statement);
        }
        Ok(())
    }
}

async fn ask(client: &Client, statement: Option<&Statement>, sql: &str, params: &[Value]) -> Result<Reply, Trouble> {
    let failed = |error: Error| Trouble::Failed(error);
    let Some(statement) = statement else {
        return Err(failed(Error::internal(sql, "it was not prepared")));
    };
    if statement.params().len() != params.len() {
        let why = format!("it wants {} parameters and was given {}", statement.params().len(), params.len());
        return Err(failed(Error::internal(sql, why)));
    }
    let trouble = |why| Trouble::of(sql, &why);
    let stream = client.query_raw(statement, params).await.map_err(trouble)?;
    let mut stream = std::pin::pin!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await.map_err(trouble)? {
        rows.push(row_of(&row).map_err(failed)?);
    }
    Ok(Reply { rows, changed: stream.rows_affected().unwrap_or(0) })
}
