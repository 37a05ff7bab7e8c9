//! Requests written byte by byte, as no client library would send them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::ADMIN_KEY;

/// Far beyond every time that a slow client is given.
const LIMIT: Duration = Duration::from_secs(60);

pub struct Wire(pub TcpStream);

/// The head of a request, with the key and with `more` header lines.
pub fn head(request: &str, more: &str) -> String {
    format!("{request} HTTP/1.1\r\nhost: landfall\r\nauthorization: Bearer {ADMIN_KEY}\r\n{more}\r\n")
}

impl Wire {
    pub async fn open(url: &str) -> Wire {
        Wire(TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap())
    }

    /// Sends what the server still takes; it may close before it has read everything.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Everything that comes until the server closes, which it must.
    pub async fn rest(mut self) -> String {
        let mut answer = Vec::new();
        // A reset behind the answer is how a server stops a client that still sends.
        let _ = tokio::time::timeout(LIMIT, self.0.read_to_end(&mut answer)).await.expect("the server closes");
        String::from_utf8(answer).unwrap()
    }

    /// Sends one byte a second, for ever, until the server closes, which it must; what it said.
    pub async fn trickle(mut self, mut bytes: impl Iterator<Item = u8>, open: &AtomicUsize) -> String {
        open.fetch_add(1, Ordering::SeqCst);
        let mut second = tokio::time::interval(Duration::from_secs(1));
        let mut answer = Vec::new();
        let talk = async {
            loop {
                tokio::select! {
                    read = self.0.read_buf(&mut answer) => if read.unwrap_or(0) == 0 { return },
                    _ = second.tick() => if let Some(byte) = bytes.next() { self.send([byte]).await; },
                }
            }
        };
        tokio::time::timeout(LIMIT, talk).await.expect("the server closes");
        open.fetch_sub(1, Ordering::SeqCst);
        String::from_utf8(answer).unwrap()
    }
}

/// The status and the problem document of the first answer in `text`.
pub fn problem(text: &str) -> (u16, Value) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    assert!(head.contains("application/problem+json"), "{text}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let document = serde_json::Deserializer::from_str(body).into_iter().next().unwrap().unwrap();
    (status, document)
}
