//! The program as its users run it: a folder, a configuration, a process.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use landfall_catalog::testing::TestCatalog;
use serde_json::{Value, json};

pub const ADMIN_KEY: &str = "0123456789abcdef";

/// Where a node keeps everything; it outlives the processes that use it.
pub struct Place {
    folder: tempfile::TempDir,
    // Dropped with the place: a database of its own.
    _catalog: Option<TestCatalog>,
}

/// One running process.
pub struct Node {
    child: Child,
    pub url: String,
    /// Of its S3 door.
    pub s3: String,
    /// Keeps its connections, as it talks to this process alone.
    client: reqwest::Client,
}

impl Place {
    /// On the catalog that comes with it: SQLite below its folder.
    pub fn embedded(datasets: &str) -> Place {
        Place::new(datasets, None)
    }

    /// On a PostgreSQL database of its own.
    pub async fn postgres(datasets: &str) -> Place {
        Place::new(datasets, Some(TestCatalog::postgres().await))
    }

    fn new(datasets: &str, catalog: Option<TestCatalog>) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let url = catalog.as_ref().map(|catalog| format!("[catalog]\nurl = \"{}\"\n", catalog.url())).unwrap_or_default();
        let text = format!("[listen]\nhttp = \"127.0.0.1:0\"\ns3 = \"127.0.0.1:0\"\n{url}{datasets}");
        std::fs::write(folder.path().join("landfall.toml"), text).unwrap();
        Place { folder, _catalog: catalog }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a node and waits until it says where it listens.
    pub fn start(&self, arguments: &[&str]) -> Node {
        self.start_with(arguments, &[])
            .unwrap_or_else(|status| panic!("the node did not start ({status}): {}", std::fs::read_to_string(self.path("log")).unwrap()))
    }

    /// The same with an environment, which may arm a crash point; the exit status if the node ended before it listened.
    pub fn start_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> Result<Node, ExitStatus> {
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_landfall"))
            .arg("serve")
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LANDFALL_ADMIN_KEY", ADMIN_KEY)
            .envs(env.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut door = |name: &str| {
            let said = lines.by_ref().map_while(Result::ok);
            said.filter_map(|line| line.trim().strip_prefix(name).map(|rest| rest.trim().to_owned())).next()
        };
        let (Some(url), Some(s3)) = (door("http "), door("s3 ")) else {
            return Err(child.wait().unwrap());
        };
        // What it says later is read away, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        // Given up by us before the node does, so that a request never goes out on a connection that is being closed.
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).pool_idle_timeout(Duration::from_secs(5)).build().unwrap();
        Ok(Node { child, url, s3, client })
    }
}

impl Node {
    /// SIGKILL: the process has no word in it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM: drains, and must exit 0.
    pub fn stop(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a client command against this node.
    pub fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_landfall"))
            .args(arguments)
            .env("LANDFALL_URL", &self.url)
            .env("LANDFALL_TOKEN", ADMIN_KEY)
            .output()
            .unwrap()
    }

    /// Lands events; they are acked when this returns.
    pub async fn post(&self, dataset: &str, body: String) {
        let request = self.client.post(format!("{}/v1/datasets/{dataset}/events", self.url)).bearer_auth(ADMIN_KEY).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 202, "{}", response.text().await.unwrap());
    }

    /// The rows of a query.
    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let answer = self.try_sql(sql).await;
        answer.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn try_sql(&self, sql: &str) -> Result<Vec<Value>, String> {
        let request = self.client.post(format!("{}/v1/sql", self.url)).bearer_auth(ADMIN_KEY).json(&json!({ "sql": sql }));
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(text);
        }
        let mut answer: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        Ok(answer["rows"].take().as_array().cloned().unwrap_or_default())
    }

    /// Makes a key without grants of its own; returns its secret.
    pub async fn create_key(&self, name: &str) -> String {
        let request = self.client.post(format!("{}/v1/keys", self.url)).bearer_auth(ADMIN_KEY).json(&json!({ "name": name }));
        let made: Value = request.send().await.unwrap().json().await.unwrap();
        made["secret"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}{path}", self.url)).bearer_auth(ADMIN_KEY).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// Waits until nothing is in flight any more, in any dataset, and returns the audit.
    pub async fn settled(&self) -> Vec<Value> {
        eventually("nothing is in flight", Duration::from_secs(180), async || {
            let audit = self.get("/v1/audit").await;
            let items = audit["items"].as_array().unwrap().clone();
            let waiting = items.iter().any(|item| item["in_flight_records"] != 0);
            let leaving = self.rows("select count(*) from landfall.landings where phase = 'loaded' and state <> 'live'").await;
            (!waiting && leaving[0][0] == 0).then_some(items)
        })
        .await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client for nodes that come and go: a kept connection would be cut by their end.
pub fn client() -> &'static reqwest::Client {
    static CLIENT: std::sync::OnceLock<reqwest::Client> = std::sync::OnceLock::new();
    CLIENT.get_or_init(|| reqwest::Client::builder().timeout(Duration::from_secs(30)).pool_max_idle_per_host(0).build().unwrap())
}

/// Asks again until there is an answer; fails after `limit`.
pub async fn eventually<T>(what: &str, limit: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = std::time::Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < limit, "not true after {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
