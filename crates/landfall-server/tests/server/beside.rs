//! Replays beside a table, and dropping what they made.

use serde_json::{Value, json};

use crate::open::{Open, open, problem};

async fn replay(open: &Open, body: Value) -> reqwest::Response {
    open.request("POST", "/v1/datasets/orders/replay").json(&body).send().await.unwrap()
}

async fn drop_it(open: &Open, name: &str) -> reqwest::Response {
    open.request("DELETE", &format!("/v1/tables/{name}")).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_table_is_made_by_a_replay_and_dropped() {
    let open = open().await;
    open.events("{\"n\":1}").await;
    for (into, expected) in [("orders", (409, "conflict")), ("passing", (409, "conflict")), ("No Name", (400, "bad_request"))] {
        let (status, code) = problem(replay(&open, json!({ "into": into })).await).await;
        assert_eq!((status, code.as_str()), expected, "{into}");
    }
    let begun = replay(&open, json!({ "into": "orders_next" })).await;
    assert_eq!(begun.status(), 202);
    let begun: Value = begun.json().await.unwrap();
    assert_eq!((&begun["dataset"], &begun["into"], &begun["state"]), (&"orders".into(), &"orders_next".into(), &"running".into()));
    let id = begun["id"].as_str().unwrap();
    assert_eq!(open.get("/v1/replays").await["items"][0]["into"], "orders_next");
    let rows: Value = open
        .sql(json!({ "sql": "select dataset, beside, made_by, detached from landfall.datasets where beside is not null" }))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(rows["rows"], json!([["orders_next", "orders", id, true]]));
    let rows: Value = open.sql(json!({ "sql": "select replay, into_table from landfall.replays" })).await.json().await.unwrap();
    assert_eq!(rows["rows"], json!([[id, "orders_next"]]));
    let audit = open.get("/v1/audit").await;
    let audited: Vec<_> = audit["items"].as_array().unwrap().iter().map(|item| &item["dataset"]).collect();
    assert_eq!(audited, ["orders", "passing"], "a side table received nothing");

    assert_eq!(problem(drop_it(&open, "orders_next").await).await, (409, "conflict".into()), "a replay is on its way into it");
    assert_eq!(open.request("POST", &format!("/v1/replays/{id}/cancel")).send().await.unwrap().status(), 200);
    let stranger = open.key("stranger", &["orders:administer"]).await;
    let denied = open.anonymous("DELETE", "/v1/tables/orders_next").bearer_auth(&stranger).send().await.unwrap();
    assert_eq!(problem(denied).await, (403, "denied".into()));
    assert_eq!(drop_it(&open, "orders_next").await.status(), 204);
    assert_eq!(problem(drop_it(&open, "orders_next").await).await, (404, "unknown_dataset".into()));
    let refused: Value = drop_it(&open, "orders").await.json().await.unwrap();
    assert_eq!(refused["code"], "conflict");
    assert!(refused["detail"].as_str().unwrap().starts_with("`orders` is not a side table: only tables that"), "{refused}");
    assert_eq!(open.catalog.gone_paths(10).await.unwrap(), Vec::<String>::new(), "a query may still read it");
    assert_eq!(replay(&open, json!({ "into": "orders_next" })).await.status(), 202, "its name is free");
}
