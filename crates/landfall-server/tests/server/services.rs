//! Service levels as they are shown: predicted while they can be met, listed when they were not.

use std::time::Duration;

use landfall_model::{Clock, Dataset, Error, ErrorKind, LandingId, Priority, Timestamp};
use serde_json::{Value, json};

use crate::open::{Open, open_at, problem};

/// A dataset with an objective of four seconds, and the clock that the test moves. The metrics of this process are shared, so its
/// name is no other test's.
async fn served() -> (Open, Clock) {
    let clock = Clock::fixed(Timestamp(1_795_000_000_000_000), 7);
    let urgent = Dataset { sla: Some("4s".parse().unwrap()), priority: Priority::High, ..Dataset::new("urgent".parse().unwrap()) };
    (open_at(clock.clone(), vec![urgent]).await, clock)
}

async fn bury_all(open: &Open) {
    for lease in open.catalog.lease_jobs("test", 100).await.unwrap() {
        let why = Error::new(ErrorKind::UnclosedQuote, "a quote is never closed");
        assert!(open.catalog.bury_job(&lease, &why).await.unwrap());
    }
}

/// What `GET /v1/datasets` and `landfall.datasets` say of it, which is the same.
async fn state(open: &Open) -> Value {
    let datasets = open.get("/v1/datasets").await;
    let urgent = datasets["items"].as_array().unwrap().iter().find(|item| item["name"] == "urgent").unwrap();
    assert_eq!((&urgent["sla"], &urgent["priority"]), (&"4s".into(), &"high".into()));
    let sql = json!({ "sql": "select sla, sla_state, priority from landfall.datasets where dataset = 'urgent'" });
    let rows: Value = open.sql(sql).await.json().await.unwrap();
    assert_eq!(rows["rows"], json!([["4s", urgent["sla_state"], "high"]]));
    urgent["sla_state"].clone()
}

async fn level_of(open: &Open, id: &LandingId) -> Value {
    open.get(&format!("/v1/status/{id}")).await["sla"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_level_is_predicted_and_its_breach_is_listed() {
    let (open, clock) = served().await;
    assert_eq!(state(&open).await, "met");
    let received_at = clock.now();
    let id = open.file_of("urgent", "a.csv", "a,\"b\n").await;
    clock.advance(Duration::from_secs(1));
    assert_eq!(state(&open).await, "met");
    let due_at = received_at.plus(Duration::from_secs(4)).to_string();
    let waits = json!({ "objective": "4s", "due_at": due_at, "processed_at": null, "seconds": 1.0, "met": null, "state": "met" });
    assert_eq!(level_of(&open, &id).await, waits);
    clock.advance(Duration::from_secs(1));
    assert_eq!((state(&open).await, level_of(&open, &id).await["state"].clone()), ("at risk".into(), "at risk".into()));
    clock.advance(Duration::from_secs(3));
    assert_eq!(state(&open).await, "late");
    let late = level_of(&open, &id).await;
    assert_eq!((&late["state"], &late["met"], &late["seconds"]), (&"late".into(), &false.into(), &5.0.into()));
    assert_eq!(open.get("/v1/sla-breaches").await["items"], json!([]), "it is not processed yet");

    clock.advance(Duration::from_millis(1_500));
    bury_all(&open).await;
    let processed_at = clock.now().to_string();
    clock.advance(Duration::from_secs(60));
    assert_eq!(state(&open).await, "met", "nothing waits");
    let done = json!({ "objective": "4s", "due_at": due_at, "processed_at": processed_at, "seconds": 6.5, "met": false, "state": "late" });
    assert_eq!(level_of(&open, &id).await, done);
    let breach = json!({
        "dataset": "urgent", "landing": id.as_str(), "last_landing": id.as_str(), "landings": 1, "records": 1, "first_event": null,
        "last_event": null, "kind": "file", "received_at": received_at.to_string(), "processed_at": processed_at,
        "objective_seconds": 4.0, "seconds": 6.5,
    });
    assert_eq!(open.get("/v1/sla-breaches?dataset=urgent").await, json!({ "items": [breach], "next": null }));
    assert_eq!(open.get("/v1/sla-breaches?dataset=orders").await["items"], json!([]));
    let sql = "select landing, last_landing, landings, records, first_event, kind, objective_seconds, seconds from landfall.sla_breaches";
    let rows: Value = open.sql(json!({ "sql": sql })).await.json().await.unwrap();
    assert_eq!(rows["rows"], json!([[id.as_str(), id.as_str(), 1, 1, null, "file", 4.0, 6.5]]));
    let stranger = open.key("stranger", &["orders:query"]).await;
    let denied = open.anonymous("GET", "/v1/sla-breaches?dataset=urgent").bearer_auth(&stranger).send().await.unwrap();
    assert_eq!(problem(denied).await, (403, "denied".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_processed_in_time_says_so_and_a_dataset_without_an_objective_says_nothing() {
    let (open, clock) = served().await;
    let id = open.file_of("urgent", "a.csv", "a,\"b\n").await;
    clock.advance(Duration::from_secs(3));
    bury_all(&open).await;
    clock.advance(Duration::from_secs(60));
    let level = level_of(&open, &id).await;
    assert_eq!((&level["met"], &level["state"], &level["seconds"]), (&true.into(), &"met".into(), &3.0.into()));
    assert_eq!(open.get("/v1/sla-breaches").await["items"], json!([]));
    open.events_of("urgent", "{\"n\":1}\n{\"n\":2}").await;
    clock.advance(Duration::from_secs(2));
    let event = open.get("/v1/status/urgent.local.2").await["sla"].clone();
    assert_eq!((&event["state"], &event["met"], &event["seconds"]), (&"at risk".into(), &Value::Null, &2.0.into()));
    open.events("{\"n\":1}").await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(open.get("/v1/status/orders.local.1").await["sla"], Value::Null);
    let datasets = open.get("/v1/datasets").await["items"].clone();
    assert_eq!((&datasets[0]["sla_state"], &datasets[0]["priority"]), (&Value::Null, &"normal".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_say_when_to_worry() {
    let clock = Clock::fixed(Timestamp(1_795_000_000_000_000), 7);
    let measured = |sla: Option<&str>| Dataset { sla: sla.map(|sla| sla.parse().unwrap()), ..Dataset::new("measured".parse().unwrap()) };
    let open = open_at(clock.clone(), vec![measured(Some("4s"))]).await;
    open.file_of("measured", "a.csv", "a,\"b\n").await;
    clock.advance(Duration::from_secs(3));
    assert_eq!(scrape(&open).await, [Some(4.0), Some(3.0), Some(1.0), Some(0.0)]);
    clock.advance(Duration::from_secs(2));
    bury_all(&open).await;
    open.file_of("measured", "b.csv", "a,\"b\n").await;
    clock.advance(Duration::from_secs(5));
    // What the catalog was asked is kept for a second of the real clock, which no test moves.
    let started = std::time::Instant::now();
    let expected = [Some(4.0), Some(5.0), Some(2.0), Some(1.0)];
    while scrape(&open).await != expected {
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", scrape(&open).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The objective, the age of the oldest, how it stands, and the breaches.
async fn scrape(open: &Open) -> [Option<f64>; 4] {
    let text = open.request("GET", "/metrics").send().await.unwrap().text().await.unwrap();
    ["landfall_sla_objective_seconds", "landfall_sla_oldest_seconds", "landfall_sla_at_risk", "landfall_sla_breaches_total"].map(|name| {
        let name = format!("{name}{{dataset=\"measured\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
    })
}
