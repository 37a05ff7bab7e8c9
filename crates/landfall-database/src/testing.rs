//! Fresh databases of both kinds for tests, in the rooms above.
//!
//! PostgreSQL is the server that `LANDFALL_TEST_POSTGRES` names (its user must be
//! allowed to create databases); each test has a database of its own there, which
//! is dropped with it.
#![expect(clippy::panic, reason = "a test that cannot have its database has failed")]

use std::path::Path;

use landfall_model::Clock;
use tokio_postgres::{Client, Config, NoTls};

/// Where PostgreSQL is when nobody says otherwise.
const POSTGRES: &str = "postgres://root@127.0.0.1:5432/postgres";

/// A database's place, gone when this is dropped.
pub enum TestDatabase {
    Sqlite(tempfile::TempDir),
    Postgres { server: String, database: String },
}

impl TestDatabase {
    pub fn sqlite() -> TestDatabase {
        TestDatabase::Sqlite(tempfile::tempdir().unwrap_or_else(|why| panic!("no temporary folder: {why}")))
    }

    pub async fn postgres() -> TestDatabase {
        let server = std::env::var("LANDFALL_TEST_POSTGRES").unwrap_or_else(|_| POSTGRES.to_owned());
        let database = format!("landfall_test_{:016x}", u64::from_le_bytes(Clock::system().random_bytes()));
        let created = run(&server, &format!("create database {database}")).await;
        created.unwrap_or_else(|why| panic!("these tests need PostgreSQL, set LANDFALL_TEST_POSTGRES (now {server}): {why:?}"));
        TestDatabase::Postgres { server, database }
    }

    /// What `Database::open` takes.
    pub fn url(&self) -> String {
        match self {
            TestDatabase::Sqlite(folder) => format!("sqlite:{}", folder.path().join("catalog.db").display()),
            TestDatabase::Postgres { server, database } => with_database(server, database),
        }
    }

    /// Where SQLite's file is.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            TestDatabase::Sqlite(folder) => Some(folder.path()),
            TestDatabase::Postgres { .. } => None,
        }
    }

    /// The tables of a PostgreSQL database with a row that holds `text`, as text or as bytes; none on SQLite, whose file anybody
    /// can read.
    pub async fn tables_with(&self, text: &str) -> Vec<String> {
        let TestDatabase::Postgres { server, database } = self else { return Vec::new() };
        let client = connect(with_database(server, database).parse().unwrap_or_else(|why| panic!("{server}: {why}"))).await;
        let client = client.unwrap_or_else(|why| panic!("{database}: {why:?}"));
        let tables = client.query("select table_name::text from information_schema.tables where table_schema = 'public'", &[]).await;
        let mut found = Vec::new();
        for table in tables.unwrap_or_else(|why| panic!("{database}: {why:?}")) {
            let (name, hex): (String, String) = (table.get(0), text.bytes().map(|byte| format!("{byte:02x}")).collect());
            let sql = format!("select count(*) from {name} x where position($1 in x::text) > 0 or position($2 in x::text) > 0");
            let row = client.query_one(&sql, &[&text, &hex]).await.unwrap_or_else(|why| panic!("{sql}: {why:?}"));
            if row.get::<_, i64>(0) > 0 {
                found.push(name);
            }
        }
        found
    }

    /// Ends every connection that other programs have to this database; nothing on SQLite.
    pub async fn cut_connections(&self) {
        if let TestDatabase::Postgres { server, database } = self {
            let sql = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'");
            run(server, &sql).await.unwrap_or_else(|why| panic!("{sql}: {why:?}"));
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let TestDatabase::Postgres { server, database } = self else {
            return;
        };
        let (server, sql) = (server.clone(), format!("drop database if exists {database} with (force)"));
        // A drop may come inside a runtime, which cannot run another one on its own thread.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(run(&server, &sql)))
        });
        if !matches!(dropped.join(), Ok(Ok(Ok(())))) {
            tracing::warn!(database, "a test's database was left behind");
        }
    }
}

async fn run(server: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let client = connect(server.parse()?).await?;
    client.batch_execute(sql).await
}

async fn connect(config: Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The server's URL with another database's name.
fn with_database(server: &str, database: &str) -> String {
    let (url, query) = server.split_once('?').map_or((server, String::new()), |(url, query)| (url, format!("?{query}")));
    let end = url.find("://").map_or(0, |scheme| scheme + 3);
    let host = url[end..].find('/').map_or(url, |slash| &url[..end + slash]);
    format!("{host}/{database}{query}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_url_takes_another_database() {
        assert_eq!(super::with_database("postgres://u@h:1/a?x=y", "b"), "postgres://u@h:1/b?x=y");
        assert_eq!(super::with_database("postgres://u@h", "b"), "postgres://u@h/b");
    }
}
