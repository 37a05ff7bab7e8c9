//! Redis Streams, every write synced before its answer: `XADD`, one after another or a batch in one pipeline.

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tokio::process::Command;

use super::Answer;
use super::event::{self, Events};
use super::wire::Wire;
use crate::fsync::SlowDisk;
use crate::process::{Server, folder, free_port, output};

// Rewriting the log and snapshots are off: work that the others would not have to do is not asked of it either.
const SETTINGS: [&str; 8] = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--auto-aof-rewrite-percentage", "0"];

pub async fn version() -> Result<String> {
    let text = output(Command::new("redis-server").arg("--version")).await?;
    let number = text.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or("of unknown version");
    Ok(format!("{number}, `appendonly yes`, `appendfsync always`, no snapshots, no rewrites of the log; `XADD`, batches in one pipeline"))
}

pub async fn start(slow: Option<&SlowDisk>) -> Result<(Server, u16)> {
    let (folder, port) = (folder("redis")?, free_port()?);
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"]).arg(folder.path()).args(SETTINGS);
    if let Some(slow) = slow {
        slow.apply(&mut command);
    }
    let mut server = Server::start("redis", folder, command, Signal::TERM)?;
    server.wait_until(|| async { count(port).await.map(drop) }).await?;
    Ok((server, port))
}

pub async fn count(port: u16) -> Result<u64> {
    let mut wire = Wire::connect(port).await?;
    wire.send(b"XLEN events\r\n").await?;
    let end = wire.line().await?;
    let text = String::from_utf8_lossy(&wire.bytes()[..end]).into_owned();
    text.strip_prefix(':').and_then(|number| number.parse().ok()).with_context(|| format!("redis: {text}"))
}

pub struct Client {
    wire: Wire,
    request: Vec<u8>,
    replies: usize,
}

impl Client {
    pub async fn connect(port: u16) -> Result<Client> {
        Ok(Client { wire: Wire::connect(port).await?, request: Vec::new(), replies: 0 })
    }

    pub fn prepare(&mut self, events: &mut Events, count: usize) {
        self.request.clear();
        self.replies = count;
        for _ in 0..count {
            let head = format!("*5\r\n$4\r\nXADD\r\n$6\r\nevents\r\n$1\r\n*\r\n$1\r\nd\r\n${}\r\n", event::BYTES);
            self.request.extend_from_slice(head.as_bytes());
            self.request.extend_from_slice(events.next());
            self.request.extend_from_slice(b"\r\n");
        }
    }

    pub async fn send(&mut self) -> Result<Answer> {
        self.wire.send(&self.request).await?;
        for _ in 0..self.replies {
            // Each answer is the entry's id as `$15\r\n1700000000000-0\r\n`.
            let end = self.wire.line().await?;
            let head = &self.wire.bytes()[..end];
            let length = head.strip_prefix(b"$").and_then(|n| std::str::from_utf8(n).ok()).and_then(|n| n.parse::<usize>().ok());
            let Some(length) = length else { bail!("redis: {}", String::from_utf8_lossy(head)) };
            self.wire.at_least(end + 2 + length + 2).await?;
            self.wire.take(end + 2 + length + 2);
        }
        Ok(Answer::Acked)
    }
}
