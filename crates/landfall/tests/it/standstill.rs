//! A node that stands still at any step of a load, is overtaken by another one
//! and then wakes up changes nothing. As whole processes, both nodes share a
//! PostgreSQL catalog and a store. A second process on one SQLite catalog is
//! refused, so what is at work in a node is also held against its like inside this
//! process, on both catalogs.

mod crew;
mod site;

use std::time::Duration;

use futures::{StreamExt, stream};
use landfall_catalog::Catalog;
use landfall_catalog::testing::TestCatalog;
use landfall_model::Clock;
use landfall_model::crash::Standstill;
use serde_json::json;

use self::crew::Crew;
use self::site::Site;
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

/// What the sleeper has in its hands when it stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hands {
    Events,
    File,
}

/// Each point with whatever passes it.
fn standstills() -> impl Iterator<Item = (&'static str, Hands)> {
    POINTS.iter().flat_map(|point| {
        let hands: &[Hands] = match *point {
            "load.before_staging" | "load.staged" => &[Hands::Events],
            point if point.starts_with("stage.") => &[Hands::File],
            _ => &[Hands::Events, Hands::File],
        };
        hands.iter().map(|hands| (*point, *hands))
    })
}

async fn crew_overtaken_at(database: TestCatalog, point: &'static str, hands: Hands) {
    let what = format!("{point} with {hands:?} on {}", database.url());
    let mut site = Site::new(database.open().await.unwrap()).await;
    let standstill = Standstill::at(point);
    let sleeper = Crew::start(&site, "sleeper", Some(standstill.clone()));
    match hands {
        Hands::Events => site.send_events().await,
        Hands::File => site.put("first.csv").await,
    }
    eventually(&format!("{what}: stands still"), Duration::from_secs(30), async || standstill.stands().then_some(())).await;

    site.catalog.abandon_leases().await.unwrap();
    let overtaking = Crew::start(&site, "overtaking", None);
    site.send_events().await;
    site.put("second.csv").await;
    site.put("first.csv").await;
    site.all_once(&what).await;

    // It finishes what it was at, whatever comes of it; then the next load would take what it left.
    sleeper.stop();
    standstill.wake();
    sleeper.ended().await;
    site.send_events().await;
    site.put("first.csv").await;
    site.all_once(&what).await;
    overtaking.stop();
    overtaking.ended().await;
    site.catalog.close().await;
}

/// At most this many at a time: each opens a dozen connections to the database.
const AT_ONCE: usize = 4;

async fn crews_overtaken_on(database: impl AsyncFn() -> TestCatalog) {
    let database = &database;
    let each = stream::iter(standstills()).map(|(point, hands)| async move { crew_overtaken_at(database().await, point, hands).await });
    each.buffer_unordered(AT_ONCE).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crew_that_is_overtaken_and_wakes_changes_nothing_on_sqlite() {
    crews_overtaken_on(async || TestCatalog::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crew_that_is_overtaken_and_wakes_changes_nothing_on_postgres() {
    crews_overtaken_on(TestCatalog::postgres).await;
}
