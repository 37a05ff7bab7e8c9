//! A fresh store on each backend. S3 is a real server (moto), one for all tests of this process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use landfall_model::{Clock, Result};
use landfall_store::{Store, StoreUrl};
use tempfile::TempDir;

pub const BUCKET: &str = "lake";

struct Server {
    address: String,
    /// Ends when its standard input does, which is when this process ends.
    _child: Child,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/support/s3.sh");
        let mut child = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").expect("tests/support/s3.sh says why there is no S3 server").to_owned();
        let server = Server { address, _child: child };
        server.request("PUT", BUCKET, "");
        server
    })
}

impl Server {
    /// A request without a signature, which this server takes.
    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} /{path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
        answer
    }
}

pub fn s3_request(method: &str, path: &str, body: &str) -> String {
    server().request(method, path, body)
}

pub async fn open_s3(bucket: &str, prefix: &str) -> Result<Store> {
    let environment = [
        ("AWS_ENDPOINT_URL", format!("http://{}", server().address).as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Store::open_with(&StoreUrl::S3 { bucket: bucket.into(), prefix: prefix.into() }, &environment, Clock::system()).await
}

/// A store that is empty, under a prefix of its own.
pub async fn s3() -> Store {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let prefix = format!("test/{}", NEXT.fetch_add(1, Ordering::Relaxed));
    open_s3(BUCKET, &prefix).await.unwrap()
}

pub fn local() -> (TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::local(root.path(), Clock::system()).unwrap();
    (root, store)
}

/// Both, each with its name for messages. The folder lives as long as what is returned.
pub async fn both() -> (TempDir, [(&'static str, Store); 2]) {
    let (root, local) = local();
    (root, [("local", local), ("s3", s3().await)])
}

/// Bytes that are unlike each other, so that a piece in the wrong place shows.
pub fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
