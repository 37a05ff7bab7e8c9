//! Queries that run all the while a file loads: each must see none of it or all of it, and none after all.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::peers::Landfall;

/// Between two queries, so that they do not take the machine from the load.
const PAUSE: Duration = Duration::from_millis(20);

pub struct Watch<'a> {
    server: &'a Landfall,
    query: String,
    rows: u64,
    seen_all: Cell<bool>,
    queries: Cell<u64>,
}

impl<'a> Watch<'a> {
    pub fn new(server: &'a Landfall, table: &str, rows: u64) -> Watch<'a> {
        let query = format!("select count(*) from {table}");
        Watch { server, query, rows, seen_all: Cell::new(false), queries: Cell::new(0) }
    }

    /// Asks until `loading` is done, and once more, when all must be there. Returns what loading did and the queries.
    pub async fn during<T>(&self, loading: impl Future<Output = Result<T>>) -> Result<(T, u64)> {
        let ask_on = async {
            loop {
                self.ask().await?;
                tokio::time::sleep(PAUSE).await;
            }
        };
        let done = tokio::select! {
            done = loading => done?,
            failed = ask_on => return failed,
        };
        self.ask().await?;
        if !self.seen_all.get() {
            bail!("the file is loaded, and a query does not see it");
        }
        Ok((done, self.queries.get()))
    }

    async fn ask(&self) -> Result<()> {
        self.queries.set(self.queries.get() + 1);
        // Before its first file has landed, a dataset without declared columns has none that could be asked for.
        let rows = match self.server.sql(&self.query).await {
            Ok(rows) => rows,
            Err(_) if !self.seen_all.get() => return Ok(()),
            Err(error) => return Err(error),
        };
        match rows.first().and_then(|row| row.first()?.as_u64()) {
            Some(0) if !self.seen_all.get() => Ok(()),
            Some(all) if all == self.rows => {
                self.seen_all.set(true);
                Ok(())
            }
            other => bail!("a query saw {other:?} rows of {} (all seen before: {})", self.rows, self.seen_all.get()),
        }
    }
}
