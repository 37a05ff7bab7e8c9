//! Lists, timelines, dead letters, keys, health, metrics and the description.

use std::time::Duration;

use landfall_model::{Clock, Timestamp};
use landfall_server::{Control, document};
use serde_json::{Value, json};

use crate::open::{open, open_at, problem};

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_page_by_page() {
    let open = open().await;
    let mut landed = Vec::new();
    for key in ["a", "b", "c"] {
        landed.push(open.file(key, "x\n").await.to_string());
    }
    for list in ["landings", "jobs"] {
        let first = open.get(&format!("/v1/{list}?dataset=orders&limit=2")).await;
        assert_eq!(first["items"].as_array().unwrap().len(), 2);
        let rest = open.get(&format!("/v1/{list}?dataset=orders&limit=2&cursor={}", first["next"].as_str().unwrap())).await;
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null), "{list}");
    }
    let newest = open.get("/v1/landings?limit=1").await;
    assert_eq!(newest["items"][0]["id"], *landed.last().unwrap());
    for list in ["loads", "rejects", "dead-letters", "holds", "purges", "sla-breaches"] {
        assert_eq!(open.get(&format!("/v1/{list}")).await, json!({ "items": [], "next": null }), "{list}");
    }
    let datasets = &open.get("/v1/datasets").await["items"];
    assert_eq!((&datasets[0]["name"], &datasets[0]["retention"]), (&"orders".into(), &Value::Null));
    assert_eq!((&datasets[1]["name"], &datasets[1]["retention"]), (&"passing".into(), &"1ms".into()));
    let wrong = open.request("GET", "/v1/landings?dataste=orders").send().await.unwrap();
    assert_eq!(problem(wrong).await, (400, "bad_request".into()));
    let unknown = open.request("GET", "/v1/landings?dataset=orderss").send().await.unwrap();
    assert_eq!(problem(unknown).await, (404, "unknown_dataset".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_says_where_something_stands() {
    let open = open().await;
    open.events("{\"n\":1}\n{\"n\":2}").await;
    let status = open.get("/v1/status/orders.local.2").await;
    assert_eq!((&open.get("/v1/landings").await["items"][0]["phase"], &status["landing"]["load"]), (&"received".into(), &Value::Null));
    let steps: Vec<_> = status["timeline"].as_array().unwrap().iter().map(|moment| moment["step"].as_str().unwrap()).collect();
    assert_eq!((&status["state"], steps), (&"received".into(), vec!["received", "stored"]));
    let id = open.dead_letter("a.csv").await;
    let status = open.get(&format!("/v1/status/{id}")).await;
    assert_eq!(
        (&status["state"], &status["code"], &status["reason"]),
        (&"dead".into(), &"unclosed_quote".into(), &"a quote is never closed".into())
    );
    let last = status["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["step"], &last["line"], &last["byte_offset"]), (&"dead".into(), &1.into(), &0.into()));
    assert_eq!((&status["landing"]["landings"], &status["batch"]), (&1.into(), &Value::Null));
    for unknown in ["orders.local.99", "lnd_00000000000000000000000000"] {
        let answer = open.request("GET", &format!("/v1/status/{unknown}")).send().await.unwrap();
        assert_eq!(problem(answer).await, (404, "not_found".into()), "{unknown}");
    }
    let nonsense = open.request("GET", "/v1/status/nonsense").send().await.unwrap();
    assert_eq!(problem(nonsense).await, (400, "bad_request".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_tried_again_and_dropped() {
    let open = open().await;
    let id = open.dead_letter("a.csv").await;
    let shown = open.get(&format!("/v1/dead-letters/{id}")).await;
    assert_eq!((&shown["code"], &shown["key"], &shown["state"]), (&"unclosed_quote".into(), &"a.csv".into(), &"open".into()));
    let act = |act: &str| open.request("POST", &format!("/v1/dead-letters/{id}/{act}")).send();
    assert_eq!(act("retry").await.unwrap().status(), 202);
    assert_eq!(problem(act("retry").await.unwrap()).await, (404, "not_found".into()));
    for lease in open.catalog.lease_jobs("test", 10).await.unwrap() {
        let why = landfall_model::Error::new(landfall_model::ErrorKind::NotText, "it is not text");
        open.catalog.bury_job(&lease, &why).await.unwrap();
    }
    assert_eq!(act("drop").await.unwrap().status(), 200);
    assert_eq!(open.get("/v1/dead-letters").await["items"], json!([]));
    let audit = open.get("/v1/audit?dataset=orders").await;
    assert_eq!((&audit["items"][0]["discarded_records"], &audit["items"][0]["balances"]), (&1.into(), &true.into()), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_used_and_revoked() {
    let open = open().await;
    let create = |body: Value| open.request("POST", "/v1/keys").json(&body).send();
    let made: Value = create(json!({ "name": "reader", "grants": ["orders:query"] })).await.unwrap().json().await.unwrap();
    let secret = made["secret"].as_str().unwrap().to_owned();
    let ask = |path: &'static str| open.anonymous("GET", path).bearer_auth(&secret).send();
    assert_eq!(ask("/v1/landings?dataset=orders").await.unwrap().status(), 200);
    assert_eq!(problem(ask("/v1/landings").await.unwrap()).await, (403, "denied".into()));
    assert_eq!(problem(ask("/v1/keys").await.unwrap()).await, (403, "denied".into()));
    for (body, expected) in [
        (json!({ "name": "reader" }), (409, "conflict")),
        (json!({ "name": "admin" }), (400, "bad_request")),
        (json!({ "name": "other", "grants": ["orders:fly"] }), (400, "bad_request")),
        (json!({ "name": "other", "grants": ["nowhere:land"] }), (404, "unknown_dataset")),
    ] {
        assert_eq!(problem(create(body.clone()).await.unwrap()).await, (expected.0, expected.1.to_owned()), "{body}");
    }
    assert_eq!(open.get("/v1/keys").await["items"][0]["grants"], json!(["orders:query"]));
    assert_eq!(open.request("DELETE", "/v1/keys/reader").send().await.unwrap().status(), 204);
    assert_eq!(problem(ask("/v1/landings?dataset=orders").await.unwrap()).await, (401, "unauthenticated".into()));
    let anonymous = open.anonymous("GET", "/v1/keys").send().await.unwrap();
    assert_eq!(problem(anonymous).await, (401, "unauthenticated".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_told() {
    let clock = Clock::fixed(Timestamp(1_795_000_000_000_000), 7);
    let open = open_at(clock.clone(), Vec::new()).await;
    assert_eq!(open.anonymous("GET", "/healthz/live").send().await.unwrap().status(), 200);
    assert_eq!(open.anonymous("GET", "/healthz/ready").send().await.unwrap().status(), 200);
    open.file("a", "x\n").await;
    open.events("{\"n\":1}\n{\"n\":2}").await;
    // Over after a millisecond, and nothing purges it here. How long that is ago is for this test to say: between the landing
    // and the scrape there may be less than that.
    open.events_of("passing", "{\"n\":1}").await;
    clock.advance(Duration::from_secs(2));
    let metrics = open.request("GET", "/metrics").send().await.unwrap();
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let text = metrics.text().await.unwrap();
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
    for (name, expected) in [
        ("landfall_queue_depth", 1.0),
        ("landfall_in_flight_records{dataset=\"orders\"}", 3.0),
        ("landfall_load_lag_events{dataset=\"orders\"}", 2.0),
        ("landfall_dead_letters{dataset=\"orders\"}", 0.0),
        ("landfall_purge_lag_seconds{dataset=\"orders\"}", 0.0),
        ("landfall_queue_oldest_seconds", 2.0),
        ("landfall_load_lag_seconds{dataset=\"orders\"}", 2.0),
        ("landfall_purge_lag_seconds{dataset=\"passing\"}", 1.999),
    ] {
        assert_eq!(value(name), Some(expected), "{name} in {text}");
    }
    // The tests of this process share one recorder, so there may be more than these.
    assert!(value("landfall_received_records_total{dataset=\"orders\",source=\"http\"}").is_some_and(|count| count >= 3.0), "{text}");
    open.catalog.close().await;
    let ready = open.anonymous("GET", "/healthz/ready").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("catalog"));
}

#[test]
fn every_route_is_described() {
    let described = document(Control::described(), Some("https://in.example.com"));
    let text = described.to_json().unwrap();
    for path in [
        "/v1/status/{id}",
        "/v1/sql",
        "/v1/datasets",
        "/v1/landings",
        "/v1/jobs",
        "/v1/loads",
        "/v1/rejects",
        "/v1/dead-letters",
        "/v1/dead-letters/{id}/retry",
        "/v1/holds",
        "/v1/holds/{subject}",
        "/v1/purges",
        "/v1/tables/{name}",
        "/v1/sla-breaches",
        "/v1/audit",
        "/v1/keys",
        "/healthz/ready",
        "/metrics",
    ] {
        assert!(described.paths.paths.contains_key(path), "{path}");
    }
    assert!(text.contains("https://in.example.com") && !text.contains("{*"));
}
