//! Bad input of every kind, all of it sent to one running program: each is
//! answered with its code and line, nothing is lost, nothing panics, and
//! memory stays flat.

mod bodies;
mod clients;
mod files;
mod large;
mod wire;

use std::time::Duration;

use large::Bomb;
use reqwest::{Body, RequestBuilder};

use crate::node::{ADMIN_KEY, Node, Place};

const DATASETS: &str = r#"
[datasets.files]
[datasets.others]
[datasets.numbers]
columns = { i = "int", n = "bigint", r = "double", p = "decimal(6,2)" }
[datasets.readings]
columns = { i = "int", n = "bigint", r = "double", p = "decimal(6,2)" }
"#;

/// Bytes of memory that the program may have had at any time: what its limits come to (two stagings with a row group of
/// 64 MiB each, a record of 16 MiB, some bodies of 16 MiB), and half as much again. The bomb is 32 times that, the long
/// line six times.
const MEMORY_BYTES_MAX: u64 = 320 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_answered_with_its_code_and_line_and_nothing_is_lost() {
    let bomb = Bomb::new();
    let place = Place::embedded(DATASETS);
    let mut node = place.start(&[]);
    tokio::join!(clients::slow_ones(&node), files::send(&node, &bomb), bodies::send(&node, &bomb), clients::wrong_lengths(&node));

    let audit = node.settled().await;
    assert!(audit.len() == 4 && audit.iter().all(|dataset| dataset["balances"] == true), "{audit:?}");
    files::check(&node).await;
    bodies::check(&node).await;
    clients::check(&node).await;
    let printed = node.command(&["audit"]);
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stdout));

    let memory = most_memory(&node);
    assert!(memory < MEMORY_BYTES_MAX, "{} MiB", memory >> 20);
    assert!(!node.has_ended());
    assert!(node.stop().success());
    let log = std::fs::read_to_string(place.path("log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

/// The most memory of its own that was ever resident: `VmHWM` (proc(5)) without the pages of files, which are those of the
/// program itself, over 100 MiB where it is not optimised.
fn most_memory(node: &Node) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    };
    bytes("VmHWM:") - bytes("RssFile:")
}

/// A client that waits for as long as 2 GB take.
fn http() -> &'static reqwest::Client {
    static CLIENT: std::sync::OnceLock<reqwest::Client> = std::sync::OnceLock::new();
    CLIENT.get_or_init(|| reqwest::Client::builder().timeout(Duration::from_secs(180)).build().unwrap())
}

fn put(node: &Node, dataset: &str, key: &str, body: impl Into<Body>) -> RequestBuilder {
    http().put(format!("{}/v1/datasets/{dataset}/files/{key}", node.url)).bearer_auth(ADMIN_KEY).body(body)
}

async fn status_of(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// The bytes of a file as they landed.
async fn content(node: &Node, dataset: &str, key: &str) -> Vec<u8> {
    let answer = http().get(format!("{}/v1/datasets/{dataset}/files/{key}", node.url)).bearer_auth(ADMIN_KEY).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{key}");
    answer.bytes().await.unwrap().to_vec()
}
