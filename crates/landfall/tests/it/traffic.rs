//! Clients that do not give up: each request is sent again until it is
//! acknowledged, and what was acknowledged is written down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::node::{ADMIN_KEY, client};

/// Where the node is at the moment; it changes with each restart.
pub type Address = Arc<RwLock<String>>;

/// What clients have been told.
#[derive(Default)]
pub struct Ledger {
    /// Requests that were acknowledged.
    pub acked: AtomicUsize,
    /// The version of each file that is live; none where it was deleted.
    pub files: Mutex<BTreeMap<String, Option<u32>>>,
}

/// Rows of one version of a file.
pub const FILE_ROWS: u32 = 20;

async fn until_acked<F>(what: &str, ledger: &Ledger, send: impl Fn() -> F)
where
    F: Future<Output = Result<reqwest::Response, reqwest::Error>>,
{
    let started = std::time::Instant::now();
    loop {
        // A node that is down, or going down, is asked again; anything it refuses is our mistake.
        match send().await {
            Ok(response) if response.status().is_success() => break,
            Ok(response) if response.status().is_client_error() => panic!("{what}: {}", response.text().await.unwrap_or_default()),
            _ => tokio::time::sleep(Duration::from_millis(30)).await,
        }
        assert!(started.elapsed() < Duration::from_secs(240), "{what} was never acknowledged");
    }
    ledger.acked.fetch_add(1, Ordering::Relaxed);
}

/// Sends the events `first..first + count`, `batch` a request, each under an `Idempotency-Key` of its own.
pub async fn send_events(address: Address, ledger: Arc<Ledger>, first: usize, count: usize, batch: usize) {
    for start in (first..first + count).step_by(batch) {
        let lines: Vec<_> =
            (start..(start + batch).min(first + count)).map(|id| format!("{{\"id\":{id},\"text\":\"event {id}\"}}")).collect();
        let body = lines.join("\n");
        until_acked(&format!("events from {start}"), &ledger, || {
            let url = format!("{}/v1/datasets/events/events", address.read());
            client().post(url).bearer_auth(ADMIN_KEY).header("Idempotency-Key", format!("from-{start}")).body(body.clone()).send()
        })
        .await;
    }
}

/// The content of version `version` of file number `file`.
fn content(file: u32, version: u32) -> String {
    let mut text = String::from("file,version,row\n");
    for row in 0..FILE_ROWS {
        text.push_str(&format!("{file},{version},{row}\n"));
    }
    text
}

/// Puts the files `first..first + count`; replaces every third, deletes every fifth, and puts every tenth once more.
pub async fn put_files(address: Address, ledger: Arc<Ledger>, first: u32, count: u32) {
    for file in first..first + count {
        let key = format!("batch/{file}.csv");
        let mut versions = vec![Some(1)];
        if file % 3 == 0 {
            versions.push(Some(2));
        }
        if file % 5 == 0 {
            versions.push(None);
        }
        if file % 10 == 0 {
            versions.push(Some(1));
        }
        for version in versions {
            until_acked(&key, &ledger, || {
                let url = format!("{}/v1/datasets/files/files/{key}", address.read());
                put_or_delete(url, version.map(|version| content(file, version)))
            })
            .await;
            ledger.files.lock().insert(key.clone(), version);
        }
    }
}

/// A delete whose first answer was lost finds nothing: that is the same end.
async fn put_or_delete(url: String, content: Option<String>) -> Result<reqwest::Response, reqwest::Error> {
    if let Some(content) = content {
        return client().put(url).bearer_auth(ADMIN_KEY).body(content).send().await;
    }
    let response = client().delete(&url).bearer_auth(ADMIN_KEY).send().await?;
    if response.status() != reqwest::StatusCode::NOT_FOUND {
        return Ok(response);
    }
    Ok(axum::http::Response::new(String::new()).into())
}
