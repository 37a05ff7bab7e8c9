//! A node that stands still at any step of a load, is overtaken by another one
//! and then wakes up changes nothing. Both nodes share a PostgreSQL catalog and a
//! store.

use std::time::Duration;

use landfall_catalog::Catalog;
use landfall_catalog::testing::TestCatalog;
use landfall_model::Clock;
use serde_json::json;

use crate::node::{ADMIN_KEY, Node, Place, client, eventually};

/// Before and after each step, of the worker and of the committer.
const POINTS: &[&str] = &[
    "stage.before",
    "stage.written",
    "stage.recorded",
    "load.acquired",
    "load.before_staging",
    "load.staged",
    "load.numbered",
    "commit.before",
    "commit.checked",
    "commit.written",
    "load.sink_committed",
    "load.done",
];

const EVENTS: usize = 50;

fn halted(node: &Node) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", node.pid())).unwrap();
    // The state is the first word behind the name, which stands in parentheses.
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

fn wake(node: &Node) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(node.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
}

async fn send(node: &Node, first: usize) {
    let lines: Vec<_> = (first..first + EVENTS).map(|id| format!("{{\"id\":{id}}}")).collect();
    let events = client().post(format!("{}/v1/datasets/events/events", node.url)).bearer_auth(ADMIN_KEY).body(lines.join("\n"));
    assert_eq!(events.send().await.unwrap().status(), 202);
    let file = client().put(format!("{}/v1/datasets/files/files/{first}.csv", node.url)).bearer_auth(ADMIN_KEY).body("a,b\n1,2\n3,4\n");
    assert_eq!(file.send().await.unwrap().status(), 201);
}

async fn all_once(node: &Node, rounds: usize) {
    for audit in node.settled().await {
        assert_eq!(audit["balances"], true, "{audit}");
    }
    let events = node.rows("select count(*), count(distinct id) from events").await;
    assert_eq!(events, [json!([rounds * EVENTS, rounds * EVENTS])]);
    assert_eq!(node.rows("select count(*), count(distinct _key) from files").await, [json!([rounds * 2, rounds])]);
}

async fn overtaken_at(point: &str) {
    let database = TestCatalog::postgres().await;
    let shared = tempfile::tempdir().unwrap();
    let config = format!(
        "[catalog]\nurl = \"{}\"\n[store]\nurl = \"{}\"\n[datasets.events]\n[datasets.files]\n",
        database.url(),
        shared.path().join("store").display()
    );
    let (first, second) = (Place::embedded(&config), Place::embedded(&config));
    let env = [("LANDFALL_CRASH_POINT", point), ("LANDFALL_CRASH_MODE", "stop")];
    let sleeper = first.start_with(&[], &env).unwrap();
    send(&sleeper, 0).await;
    eventually(&format!("a node stands still at {point}"), Duration::from_secs(30), async || halted(&sleeper).then_some(())).await;

    // Its leases end, as they would by themselves after a while, and another node takes over.
    let catalog = Catalog::open(&database.url(), Clock::system()).await.unwrap();
    catalog.abandon_leases().await.unwrap();
    let overtaking = second.start(&[]);
    send(&overtaking, EVENTS).await;
    all_once(&overtaking, 2).await;

    wake(&sleeper);
    eventually("the sleeper answers again", Duration::from_secs(30), async || sleeper.try_sql("select 1").await.ok()).await;
    send(&sleeper, 2 * EVENTS).await;
    all_once(&overtaking, 3).await;
    all_once(&sleeper, 3).await;
    catalog.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_overtaken_and_wakes_changes_nothing() {
    for point in POINTS {
        overtaken_at(point).await;
    }
}
