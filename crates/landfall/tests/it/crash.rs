//! Promises 1 to 4 under SIGKILL: what was acknowledged is in the table exactly
//! once and nothing else is, whatever moment the process died at.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::node::{Node, Place, eventually};
use crate::traffic::{Address, FILE_ROWS, Ledger, put_files, send_events};

const DATASETS: &str = "[datasets.events]\n[datasets.files]\n";
const EVENTS: usize = 100_000;
const FILES: u32 = 200;
const KILLS: usize = 20;

/// Where some of the nodes end by themselves; the others are killed in the middle of the traffic.
const POINTS: &[&str] = &[
    "load.sink_committed",
    "commit.written",
    "load.numbered",
    "stage.written",
    "land.before_commit:40",
    "load.done",
    "stage.recorded",
    "land.committed:30",
    "load.staged",
    "file.stored:5",
    "store.publish.named:9",
    "commit.checked",
];

async fn kill_loop(place: &Place, address: &Address, ledger: &Ledger) {
    for round in 0..KILLS {
        let point = POINTS.get(round / 2).filter(|_| round % 2 == 0);
        let env: Vec<_> = point.iter().map(|point| ("LANDFALL_CRASH_POINT", **point)).collect();
        // What was left undone is taken up at once, so a point may be passed before the doors open.
        let Ok(mut node) = place.start_with(&[], &env) else { continue };
        *address.write() = node.url.clone();
        let before = ledger.acked.load(Ordering::Relaxed);
        let enough = before + 40;
        if point.is_some() {
            // The traffic may have ended before the point was passed: then this round has nothing to kill.
            let deadline = std::time::Instant::now() + Duration::from_secs(8);
            while !node.has_ended() && std::time::Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        } else {
            let deadline = std::time::Instant::now() + Duration::from_secs(4);
            while ledger.acked.load(Ordering::Relaxed) < enough && std::time::Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        node.kill();
    }
}

async fn check(node: &Node, ledger: &Ledger) {
    let audits = node.settled().await;
    for audit in &audits {
        assert_eq!(audit["balances"], true, "{audit}");
    }
    let events = node.rows("select count(*), count(distinct id), min(id), max(id) from events").await;
    assert_eq!(events[0], serde_json::json!([EVENTS, EVENTS, 0.0, EVENTS as f64 - 1.0]));
    let files = node.rows("select _key, version, count(*), count(distinct row) from files group by _key, version order by _key").await;
    let expected: Vec<_> = ledger
        .files
        .lock()
        .iter()
        .filter_map(|(key, version)| version.map(|version| serde_json::json!([key, version, FILE_ROWS, FILE_ROWS])))
        .collect();
    assert_eq!(files, expected);
    let audit = node.command(&["audit"]);
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
}

async fn survive(place: Place) {
    let (address, ledger) = (Address::default(), Arc::new(Ledger::default()));
    let mut clients = tokio::task::JoinSet::new();
    for part in 0..4 {
        let count = EVENTS / 4;
        clients.spawn(send_events(address.clone(), ledger.clone(), part * count, count, 50));
    }
    for part in 0..2 {
        clients.spawn(put_files(address.clone(), ledger.clone(), part * FILES / 2, FILES / 2));
    }
    kill_loop(&place, &address, &ledger).await;
    let node = place.start(&[]);
    *address.write() = node.url.clone();
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    check(&node, &ledger).await;
    assert!(node.stop().success(), "a drained node exits 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn acked_records_survive_twenty_kills_exactly_once_on_sqlite() {
    survive(Place::embedded(DATASETS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acked_records_survive_twenty_kills_exactly_once_on_postgres() {
    survive(Place::postgres(DATASETS).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_on_the_same_folder_is_refused() {
    let place = Place::embedded(DATASETS);
    let node = place.start(&[]);
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_landfall"))
        .args(["serve", "--data"])
        .arg(place.path("landfall-data"))
        .env("LANDFALL_LISTEN__HTTP", "127.0.0.1:0")
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&node.pid().to_string()), "{said}");
    eventually("the first one still serves", Duration::from_secs(5), async || node.try_sql("select 1").await.ok()).await;
}
