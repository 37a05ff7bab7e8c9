//! `landfall send`: events from a file or from standard input, line by line as
//! they come. Every batch has an `Idempotency-Key`, so that sending it again
//! after a lost answer lands it once.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::Path;
use std::time::Duration;

use landfall_model::{Clock, limits};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value as Json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::batch::{Batch, Gather};
use super::retry::Retry;
use super::{Client, Failure};
use crate::output::{Screen, plural};

/// How long lines gather when the input pauses.
const LINGER: Duration = Duration::from_millis(100);

/// Lines that wait between the reader and the sender.
const LINES_WAITING: usize = 1_024;

/// What was sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub events: i64,
    pub first: Option<String>,
    pub last: Option<String>,
}

pub async fn send(client: &Client, dataset: &str, path: Option<&Path>, screen: Screen) -> Result<(), Failure> {
    let source: Box<dyn Read + Send> = match path {
        Some(path) if path != Path::new("-") => {
            Box::new(File::open(path).map_err(|error| Failure::no(format!("{}: {error}", path.display())))?)
        }
        _ => Box::new(stdin()),
    };
    let mut sent = Sent::default();
    let outcome = send_reader(client, dataset, source, &mut sent).await;
    let range = match (&sent.first, &sent.last) {
        (Some(first), Some(last)) => format!("  {first} to {last}"),
        _ => String::new(),
    };
    if sent.events > 0 || outcome.is_ok() {
        screen.line(&format!("{} in {dataset}{range}", plural(sent.events, "event", "events")))?;
    }
    outcome
}

/// Sends every line of `source`, and keeps count in `sent`, also where it fails on the way.
pub async fn send_reader(client: &Client, dataset: &str, source: impl Read + Send + 'static, sent: &mut Sent) -> Result<(), Failure> {
    let random: [u8; 12] = Clock::system().random_bytes();
    let run = hex::encode(random);
    let mut lines = read_lines(source);
    let mut gather = Gather::default();
    loop {
        let batch = match timeout(LINGER, lines.recv()).await {
            Ok(Some(line)) => gather.push(&line?),
            Ok(None) => break,
            Err(_) => gather.take(),
        };
        if let Some(batch) = batch {
            post(client, dataset, &batch, &run, sent).await?;
        }
    }
    match gather.take() {
        Some(batch) => post(client, dataset, &batch, &run, sent).await,
        None => Ok(()),
    }
}

/// Reads on a thread of its own, because standard input cannot be waited for in any other way.
fn read_lines(source: impl Read + Send + 'static) -> mpsc::Receiver<Result<Vec<u8>, Failure>> {
    let (sender, receiver) = mpsc::channel(LINES_WAITING);
    std::thread::spawn(move || {
        let mut source = BufReader::with_capacity(256 << 10, source);
        while let Some(line) = next_line(&mut source).transpose() {
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                break;
            }
        }
    });
    receiver
}

fn next_line(source: &mut impl BufRead) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    let most = limits::EVENT_BYTES_MAX + 2;
    source.take(u64::try_from(most).unwrap_or(u64::MAX)).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() == most && line.last() != Some(&b'\n') {
        return Err(Failure::no(format!("a line is longer than {} bytes, which is more than an event may have", limits::EVENT_BYTES_MAX)));
    }
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Some(line))
}

async fn post(client: &Client, dataset: &str, batch: &Batch, run: &str, sent: &mut Sent) -> Result<(), Failure> {
    let body = bytes::Bytes::copy_from_slice(&batch.body);
    let mut retry = Retry::default();
    let receipt = loop {
        let request = client.request(Method::POST, &["datasets", dataset, "events"]).header(CONTENT_TYPE, "application/x-ndjson");
        let request = request.header("Idempotency-Key", format!("{run}-{}", batch.first_line)).body(body.clone());
        match client.json(request).await {
            Ok(receipt) => break receipt,
            // Nothing was ever sent: it is no use to insist.
            Err(failure) if failure.code == 3 && sent.events == 0 => return Err(failure),
            Err(failure) => retry.wait(in_the_input(failure, batch.first_line)).await?,
        }
    };
    let text = |name: &str| receipt.get(name).and_then(Json::as_str).map(str::to_owned);
    sent.events += receipt.get("count").and_then(Json::as_i64).unwrap_or(0);
    sent.first = sent.first.take().or_else(|| text("first_id"));
    sent.last = text("last_id").or_else(|| sent.last.take());
    Ok(())
}

/// The server counts lines in the body that it got; people count them in their file.
fn in_the_input(mut failure: Failure, first_line: u64) -> Failure {
    if let Some(line) = failure.line.filter(|_| first_line > 1) {
        failure
            .message
            .push_str(&format!("\nThat is line {} of the input; the lines before {first_line} were sent.", first_line + line - 1));
    }
    failure
}
