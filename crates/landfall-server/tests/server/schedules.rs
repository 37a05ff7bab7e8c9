//! Schedules: shown, their windows asked for, and by whom.

use landfall_model::{ResultFormat, Schedule};
use landfall_schedules::Schedules;
use serde_json::{Value, json};

use crate::open::{Open, open, orders, problem};

async fn declared() -> Open {
    let open = open().await;
    let schedule = Schedule {
        name: "daily".parse().unwrap(),
        cron: "0 3 * * *".into(),
        timezone: "Europe/Madrid".into(),
        sql: "select count(*) as n from orders where _received_at < $end".into(),
        into: orders(),
        window: None,
        format: ResultFormat::Ndjson,
        key: None,
    };
    Schedules::new(open.catalog.clone()).declare(vec![schedule]).await.unwrap();
    open
}

async fn ask(open: &Open, name: &str, body: Value) -> reqwest::Response {
    open.request("POST", &format!("/v1/schedules/{name}/runs")).json(&body).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_shown_and_windows_are_asked_for() {
    let open = declared().await;
    let listed = open.get("/v1/schedules").await;
    let item = &listed["items"][0];
    assert_eq!((&item["name"], &item["into"], &item["last_run"]), (&json!("daily"), &json!("orders"), &Value::Null));
    assert!(item["next_at"].as_str().unwrap().ends_with("00:00.000000Z"), "{item}");

    // Days in the schedule's own zone; the clocks there changed on the 29th.
    let asked = ask(&open, "daily", json!({ "from": "2026-03-28", "to": "2026-03-31" })).await;
    assert_eq!(asked.status(), 202);
    let asked: Value = asked.json().await.unwrap();
    let windows: Vec<_> = asked["items"].as_array().unwrap().iter().map(|run| [run["from"].clone(), run["to"].clone()]).collect();
    assert_eq!(
        windows,
        [
            ["2026-03-27T02:00:00.000000Z", "2026-03-28T02:00:00.000000Z"],
            ["2026-03-28T02:00:00.000000Z", "2026-03-29T01:00:00.000000Z"],
            ["2026-03-29T01:00:00.000000Z", "2026-03-30T01:00:00.000000Z"],
        ]
    );
    let id = asked["items"][1]["id"].as_str().unwrap();
    let again: Value = ask(&open, "daily", json!({ "from": "2026-03-29", "to": "2026-03-30" })).await.json().await.unwrap();
    assert_eq!(again["items"][0]["id"], id, "a window has one run");
    let run = open.get(&format!("/v1/runs/{id}")).await;
    assert_eq!((&run["state"], &run["backfill"], &run["late_landings"]), (&json!("waiting"), &json!(true), &json!([])));
    let page = open.get("/v1/runs?schedule=daily&limit=2").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let rest = open.get(&format!("/v1/runs?schedule=daily&limit=2&cursor={}", page["next"].as_str().unwrap())).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert_eq!(open.get("/v1/schedules").await["items"][0]["waiting_since"], "2026-03-28T02:00:00.000000Z");
    let metrics = open.request("GET", "/metrics").send().await.unwrap().text().await.unwrap();
    let lag = metrics.lines().find_map(|line| line.strip_prefix("landfall_schedule_lag_seconds{schedule=\"daily\"} ")).unwrap();
    assert!(lag.parse::<f64>().unwrap() > 86_400.0, "{lag}");
    let sql = "select schedule, dataset, state, window_to from landfall.runs order by window_to limit 1";
    let rows: Value = open.sql(json!({ "sql": sql })).await.json().await.unwrap();
    assert_eq!(rows["rows"], json!([["daily", "orders", "waiting", "2026-03-28T02:00:00Z"]]));
    let sql = "select schedule, cron, next_at is not null from landfall.schedules";
    let rows: Value = open.sql(json!({ "sql": sql })).await.json().await.unwrap();
    assert_eq!(rows["rows"], json!([["daily", "0 3 * * *", true]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_cannot_be_answered_are_refused() {
    let open = declared().await;
    for (name, body, expected) in [
        ("daily", json!({ "from": "2026-03-28", "to": "2026-03-28" }), (400, "bad_request")),
        ("daily", json!({ "from": "2999-01-01" }), (400, "bad_request")),
        ("daily", json!({ "from": "yesterday" }), (400, "bad_request")),
        ("daily", json!({ "from": "1970-01-01" }), (400, "bad_request")),
        ("daily", json!({ "window": "1d" }), (400, "bad_request")),
        ("dayly", json!({}), (404, "not_found")),
    ] {
        let found = problem(ask(&open, name, body.clone()).await).await;
        assert_eq!((found.0, found.1.as_str()), expected, "{name} {body}");
    }
    Schedules::new(open.catalog.clone()).declare(Vec::new()).await.unwrap();
    assert_eq!(problem(ask(&open, "daily", json!({})).await).await, (409, "conflict".into()));
    let gone = open.get("/v1/schedules").await;
    assert_eq!((&gone["items"][0]["detached"], &gone["items"][0]["next_at"]), (&json!(true), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_replay_asks_for_no_window() {
    let open = declared().await;
    let asker = open.key("asker", &["orders:query"]).await;
    let runner = open.key("runner", &["orders:query,replay"]).await;
    let other = open.key("other", &["passing:query"]).await;
    let post = |key: &str| open.anonymous("POST", "/v1/schedules/daily/runs").bearer_auth(key).json(&json!({})).send();
    assert_eq!(problem(post(&asker).await.unwrap()).await.0, 403);
    assert_eq!(post(&runner).await.unwrap().status(), 202);
    for (key, count) in [(&asker, 1), (&other, 0)] {
        let listed = open.anonymous("GET", "/v1/schedules").bearer_auth(key).send().await.unwrap();
        let listed: Value = listed.json().await.unwrap();
        assert_eq!(listed["items"].as_array().unwrap().len(), count);
    }
    let runs = |key: &str, query: &str| open.anonymous("GET", &format!("/v1/runs{query}")).bearer_auth(key).send();
    assert_eq!(runs(&asker, "?schedule=daily").await.unwrap().status(), 200);
    assert_eq!(problem(runs(&asker, "").await.unwrap()).await.0, 403);
    assert_eq!(problem(runs(&other, "?schedule=daily").await.unwrap()).await.0, 403);
}
