//! A bucket of an S3 server that runs as long as it is wanted.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use landfall_model::Clock;
use landfall_store::{Store, StoreUrl};

pub struct Bucket {
    url: String,
    /// Ends when its standard input does.
    _server: Child,
}

impl Bucket {
    pub async fn new() -> Bucket {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/support/s3.sh");
        let mut server = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://"), "tests/support/s3.sh says why there is no S3 server");
        let made = reqwest::Client::new().put(format!("{url}/lake")).send().await.unwrap();
        assert!(made.status().is_success());
        Bucket { url, _server: server }
    }

    /// A store under the prefix `name`.
    pub async fn open(&self, name: &str, clock: &Clock) -> Store {
        let environment = [
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Store::open_with(&StoreUrl::S3 { bucket: "lake".into(), prefix: name.into() }, &environment, clock.clone()).await.unwrap()
    }
}
