//! Landfall as a user runs it: the built command, `serve` on an empty folder, everything else over HTTP.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Body, RequestBuilder, Response};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::{Door, Kind, event};
use crate::fsync::SlowDisk;
use crate::process::{Server, folder, free_port, output};

const ADMIN_KEY: &str = "the-key-of-one-bench";
const POLL: Duration = Duration::from_millis(5);
const AUDIT_POLL: Duration = Duration::from_millis(250);
const PIECE: usize = 1 << 20;

const CONFIG: &str = "landfall.toml";
const DATA: &str = "data";

pub const ALL_ROLES: &str = "ingest,work,query,upkeep";

pub struct Landfall {
    server: Server,
    pub port: u16,
    http: reqwest::Client,
}

/// The command that was built with this bench: it lies beside it.
fn command() -> Result<Command> {
    let program = std::env::current_exe()?.with_file_name("landfall");
    if !program.exists() {
        bail!("{} is not there: start the bench as bench/run", program.display());
    }
    Ok(Command::new(program))
}

pub async fn version() -> Result<String> {
    let text = output(command()?.arg("version")).await?;
    Ok(text.lines().next().unwrap_or_default().trim_start_matches("landfall ").to_owned())
}

/// The dataset `events`, which anyone may land in.
pub fn events_dataset() -> String {
    format!("[datasets.events]\ngrants = [{{ to = \"anonymous\", allow = [\"land\"] }}]\ncolumns = {}\n", event::COLUMNS)
}

/// A server of it.
pub async fn start_for_events(roles: &str, slow: Option<&SlowDisk>) -> Result<(Server, u16)> {
    let landfall = Landfall::start(&events_dataset(), roles, slow).await?;
    Ok((landfall.server, landfall.port))
}

/// The events that a query finds, each counted once.
pub async fn count_events(port: u16) -> Result<u64> {
    // Groups go to the disk where memory ends; a `count(distinct id)` of tens of millions of events could not.
    let by_id = "select sum(times), count(*) from (select count(*) as times from events group by id)";
    let rows = sql(&reqwest::Client::new(), port, by_id).await?;
    let [all, distinct] = [0, 1].map(|column| rows.first().and_then(|row| number(row.get(column)?)));
    let (all, distinct) = all.zip(distinct).with_context(|| format!("landfall counted {rows:?}"))?;
    if all != distinct {
        bail!("landfall holds {all} events, of which only {distinct} are different");
    }
    Ok(all)
}

/// A whole number as SQL over HTTP gives it: a number, or a text beyond 2^53.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

impl Landfall {
    /// `datasets` is the part of a configuration that declares them.
    pub async fn start(datasets: &str, roles: &str, slow: Option<&SlowDisk>) -> Result<Landfall> {
        Landfall::start_in(folder("landfall")?, datasets, roles, |command| slow.into_iter().for_each(|slow| slow.apply(command))).await
    }

    /// The same in a folder where one may have run before, with its command changed by `change`.
    pub async fn start_in(folder: TempDir, datasets: &str, roles: &str, change: impl FnOnce(&mut Command)) -> Result<Landfall> {
        let port = free_port()?;
        configure(folder.path(), port, datasets)?;
        let mut command = command()?;
        command.arg("serve").arg("--config").arg(folder.path().join(CONFIG));
        command.arg("--data").arg(folder.path().join(DATA)).args(["--roles", roles]);
        command.env("LANDFALL_ADMIN_KEY", ADMIN_KEY).env_remove("LANDFALL_DATA");
        change(&mut command);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut server = Server::start("landfall", folder, command, Signal::TERM)?;
        let ready = || async { Ok(http.get(format!("http://127.0.0.1:{port}/healthz/ready")).send().await?.error_for_status().map(drop)?) };
        server.wait_until(ready).await?;
        Ok(Landfall { server, port, http })
    }

    /// Changes the configuration of its datasets while it runs.
    pub fn reload(&self, datasets: &str) -> Result<()> {
        configure(self.server.folder(), self.port, datasets)?;
        self.server.signal(Signal::HUP)
    }

    /// Where events are landed.
    pub fn door(&self) -> Door {
        Door { kind: Kind::Landfall, port: self.port }
    }

    /// The folder of its catalog and its store.
    pub fn data(&self) -> PathBuf {
        self.server.folder().join(DATA)
    }

    /// What an endpoint answers to a document.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(format!("http://127.0.0.1:{}{path}", self.port)).bearer_auth(ADMIN_KEY);
        json_of(request.header("content-type", "application/json").body(body.to_string())).await
    }

    pub async fn get(&self, path: &str) -> Result<Value> {
        json_of(self.http.get(format!("http://127.0.0.1:{}{path}", self.port)).bearer_auth(ADMIN_KEY)).await
    }

    /// Puts a file of `length` bytes and returns the landing's id.
    pub async fn put(&self, dataset: &str, key: &str, length: u64, body: Body) -> Result<String> {
        let url = format!("http://127.0.0.1:{}/v1/datasets/{dataset}/files/{key}", self.port);
        let request = self.http.put(url).bearer_auth(ADMIN_KEY).header("content-length", length).body(body);
        let receipt = json_of(request).await?;
        Ok(receipt["id"].as_str().with_context(|| format!("no id in {receipt}"))?.to_owned())
    }

    pub async fn put_file(&self, dataset: &str, file: &Path) -> Result<String> {
        let key = file.file_name().and_then(|name| name.to_str()).context("a file's name")?;
        let open = tokio::fs::File::open(file).await?;
        let length = open.metadata().await?.len();
        self.put(dataset, key, length, Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(open, PIECE))).await
    }

    /// Waits until the landing is loaded: its rows are in the committed table.
    pub async fn wait_loaded(&self, id: &str) -> Result<()> {
        loop {
            let status = self.get(&format!("/v1/status/{id}")).await?;
            match status["state"].as_str() {
                Some("loaded") => return Ok(()),
                Some("received" | "staged") => tokio::time::sleep(POLL).await,
                _ => bail!("{id} will not be loaded: {status}"),
            }
        }
    }

    /// The rows of a query.
    pub async fn sql(&self, sql_text: &str) -> Result<Vec<Vec<Value>>> {
        sql(&self.http, self.port, sql_text).await
    }

    /// The whole number that a query answers with.
    pub async fn number(&self, sql_text: &str) -> Result<u64> {
        let rows = self.sql(sql_text).await?;
        rows.first().and_then(|row| number(row.first()?)).with_context(|| format!("`{sql_text}` was answered {rows:?}"))
    }

    /// Waits until all that has landed in a dataset is loaded, and fails unless its audit balances then.
    pub async fn wait_all_loaded(&self, dataset: &str) -> Result<()> {
        let path = format!("/v1/audit?dataset={dataset}");
        loop {
            let audit = self.get(&path).await?["items"][0].take();
            match (audit["in_flight_records"].as_u64(), audit["balances"].as_bool()) {
                (Some(0), Some(true)) => return Ok(()),
                (Some(1..), Some(true)) => tokio::time::sleep(AUDIT_POLL).await,
                _ => bail!("the audit of {dataset} does not balance: {audit}"),
            }
        }
    }

    /// The most memory it ever held, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        self.server.peak_memory()
    }

    pub async fn stop(self) -> Result<()> {
        self.server.stop().await.map(drop)
    }

    /// Stops it and keeps its folder, for the next one to start in.
    pub async fn stop_and_keep(self) -> Result<TempDir> {
        self.server.stop().await
    }

    pub fn log_end(&self) -> String {
        self.server.log_end()
    }
}

fn configure(folder: &Path, port: u16, datasets: &str) -> Result<()> {
    Ok(std::fs::write(folder.join(CONFIG), format!("[listen]\nhttp = \"127.0.0.1:{port}\"\n\n{datasets}"))?)
}

async fn sql(http: &reqwest::Client, port: u16, text: &str) -> Result<Vec<Vec<Value>>> {
    let request = http.post(format!("http://127.0.0.1:{port}/v1/sql")).bearer_auth(ADMIN_KEY);
    let mut answer = json_of(request.header("content-type", "application/json").body(json!({ "sql": text }).to_string())).await?;
    Ok(serde_json::from_value(answer["rows"].take())?)
}

/// Sends a request whose answer is one JSON document; a problem is an error that shows it.
async fn json_of(request: RequestBuilder) -> Result<Value> {
    let response: Response = request.send().await?;
    let (status, url) = (response.status(), response.url().clone());
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{status} of {url}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("{url} answered {text}"))
}
