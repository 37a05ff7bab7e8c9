//! NATS JetStream, every message synced before its answer: one publication a message, batches as atomic publications,
//! which is the fastest durable way in that it has.

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::process::Command;

use super::Answer;
use super::event::{self, Events};
use super::wire::Wire;
use crate::process::{Server, folder, free_port, output};
use crate::python;

pub async fn version() -> Result<String> {
    let text = output(Command::new(python::bin().await?.join("nats-server")).arg("--version")).await?;
    let number = text.rsplit(' ').next().unwrap_or_default().trim_start_matches('v');
    Ok(format!("{number}, JetStream in files, `sync_interval: always`, one replica; batches as atomic publications"))
}

pub async fn start() -> Result<(Server, u16)> {
    let (folder, port) = (folder("nats")?, free_port()?);
    let config = folder.path().join("nats.conf");
    let store = folder.path().join("jetstream");
    std::fs::write(&config, format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: {store:?}, sync_interval: always }}\n"))?;
    let mut command = Command::new(python::bin().await?.join("nats-server"));
    command.arg("-c").arg(&config);
    let mut server = Server::start("nats", folder, command, Signal::TERM)?;
    server.wait_until(|| async { Client::connect(port).await.map(drop) }).await?;
    let stream = json!({"name": "events", "subjects": ["events"], "storage": "file", "num_replicas": 1, "allow_atomic": true});
    ask(port, "$JS.API.STREAM.CREATE.events", &stream.to_string()).await?;
    Ok((server, port))
}

pub async fn count(port: u16) -> Result<u64> {
    let info = ask(port, "$JS.API.STREAM.INFO.events", "").await?;
    info["state"]["messages"].as_u64().with_context(|| format!("nats: {info}"))
}

/// One question to JetStream's own interface.
async fn ask(port: u16, subject: &str, body: &str) -> Result<Value> {
    let mut client = Client::connect(port).await?;
    client.wire.send(format!("PUB {subject} {} {}\r\n{body}\r\n", client.inbox, body.len()).as_bytes()).await?;
    client.answer().await
}

pub struct Client {
    wire: Wire,
    request: Vec<u8>,
    /// The subject that answers come to: this connection's own.
    inbox: String,
    batches: u64,
}

impl Client {
    pub async fn connect(port: u16) -> Result<Client> {
        let mut wire = Wire::connect(port).await?;
        let hello = wire.line().await?;
        let info: Value = serde_json::from_slice(wire.bytes()[..hello].strip_prefix(b"INFO ").context("nats: no INFO")?)?;
        wire.take(hello + 2);
        let inbox = format!("_INBOX.{}", info["client_id"]);
        wire.send(format!("CONNECT {{\"verbose\":false,\"headers\":true,\"no_responders\":true}}\r\nSUB {inbox} 1\r\nPING\r\n").as_bytes())
            .await?;
        let pong = wire.line().await?;
        if &wire.bytes()[..pong] != b"PONG" {
            bail!("nats: {}", String::from_utf8_lossy(&wire.bytes()[..pong]));
        }
        wire.take(pong + 2);
        Ok(Client { wire, request: Vec::new(), inbox, batches: 0 })
    }

    pub fn prepare(&mut self, events: &mut Events, count: usize) {
        self.request.clear();
        if count == 1 {
            self.request.extend_from_slice(format!("PUB events {} {}\r\n", self.inbox, event::BYTES).as_bytes());
            self.request.extend_from_slice(events.next());
            self.request.extend_from_slice(b"\r\n");
            return;
        }
        self.batches += 1;
        for number in 1..=count {
            let (commit, reply) = if number == count { ("Nats-Batch-Commit: 1\r\n", self.inbox.as_str()) } else { ("", "") };
            let batch = format!("{}-{}", self.inbox, self.batches);
            let headers = format!("NATS/1.0\r\nNats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {number}\r\n{commit}\r\n");
            let head = format!("HPUB events {reply} {} {}\r\n{headers}", headers.len(), headers.len() + event::BYTES);
            self.request.extend_from_slice(head.as_bytes());
            self.request.extend_from_slice(events.next());
            self.request.extend_from_slice(b"\r\n");
        }
    }

    pub async fn send(&mut self) -> Result<Answer> {
        self.wire.send(&self.request).await?;
        self.answer().await.map(|_| Answer::Acked)
    }

    /// The next message to the inbox, as the document it holds; an `error` in it is one here.
    async fn answer(&mut self) -> Result<Value> {
        loop {
            let end = self.wire.line().await?;
            let head = std::str::from_utf8(&self.wire.bytes()[..end])?;
            if head == "PING" {
                self.wire.take(end + 2);
                self.wire.send(b"PONG\r\n").await?;
                continue;
            }
            let length = head.strip_prefix("MSG ").and_then(|rest| rest.rsplit(' ').next()).and_then(|n| n.parse::<usize>().ok());
            let Some(length) = length else { bail!("nats: {head}") };
            self.wire.at_least(end + 2 + length + 2).await?;
            let document: Value = serde_json::from_slice(&self.wire.bytes()[end + 2..end + 2 + length])?;
            self.wire.take(end + 2 + length + 2);
            if !document["error"].is_null() {
                bail!("nats: {document}");
            }
            return Ok(document);
        }
    }
}
