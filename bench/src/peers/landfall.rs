//! Landfall as a user runs it: the built command, `serve` on an empty folder, everything else over HTTP.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Body, RequestBuilder, Response};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::process::Command;

use super::event;
use crate::fsync::SlowDisk;
use crate::process::{Server, folder, free_port, output};

const ADMIN_KEY: &str = "the-key-of-one-bench";
const POLL: Duration = Duration::from_millis(5);
const PIECE: usize = 1 << 20;

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

/// A server whose dataset `events` anyone may land in.
pub async fn start_for_events(roles: &str, slow: Option<&SlowDisk>) -> Result<(Server, u16)> {
    let dataset = format!("[datasets.events]\ngrants = [{{ to = \"anonymous\", allow = [\"land\"] }}]\ncolumns = {}\n", event::COLUMNS);
    let landfall = Landfall::start(&dataset, roles, slow).await?;
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
        let (folder, port) = (folder("landfall")?, free_port()?);
        let config = folder.path().join("landfall.toml");
        std::fs::write(&config, format!("[listen]\nhttp = \"127.0.0.1:{port}\"\n\n{datasets}"))?;
        let mut command = command()?;
        command.arg("serve").arg("--config").arg(&config).arg("--data").arg(folder.path().join("data")).args(["--roles", roles]);
        command.env("LANDFALL_ADMIN_KEY", ADMIN_KEY).env_remove("LANDFALL_DATA");
        if let Some(slow) = slow {
            slow.apply(&mut command);
        }
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut server = Server::start("landfall", folder, command, Signal::TERM)?;
        let ready = || async { Ok(http.get(format!("http://127.0.0.1:{port}/healthz/ready")).send().await?.error_for_status().map(drop)?) };
        server.wait_until(ready).await?;
        Ok(Landfall { server, port, http })
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
            let status = json_of(self.http.get(format!("http://127.0.0.1:{}/v1/status/{id}", self.port)).bearer_auth(ADMIN_KEY)).await?;
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

    /// The most memory it ever held, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        self.server.peak_memory()
    }

    pub async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
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
