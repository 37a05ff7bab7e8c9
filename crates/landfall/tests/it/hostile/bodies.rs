//! Bodies of events, and statements of SQL, that no good client sends: each is
//! refused as a whole with its code and line, or acked and its bad events are
//! rejects.

use reqwest::Body;
use serde_json::{Value, json};

use super::large::{self, Bomb};
use super::wire::{Wire, head, problem};
use super::{Node, http, status_of};
use crate::node::ADMIN_KEY;

fn post(node: &Node, path: &str, body: impl Into<Body>) -> reqwest::RequestBuilder {
    http().post(format!("{}{path}", node.url)).bearer_auth(ADMIN_KEY).body(body)
}

fn events(node: &Node, body: impl Into<Body>) -> reqwest::RequestBuilder {
    post(node, "/v1/datasets/readings/events", body)
}

/// Status, code, line and byte offset of a refusal.
async fn refusal(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{}", answer.status());
    short(answer.status().as_u16(), &answer.json().await.unwrap())
}

fn short(status: u16, document: &Value) -> Value {
    assert!(document["detail"].as_str().is_some_and(|detail| detail.len() > 20), "{document}");
    json!([status, document["code"], document["line"], document["byte_offset"]])
}

/// The events of `numbers` that fit stand first and last.
const NUMBERS: &str = r#"{"i":2147483647,"n":9223372036854775807,"r":1.7976931348623157e308,"p":9999.99}
{"i":2147483648}
{"n":9223372036854775808}
{"r":1e309}
{"p":10000}
{"p":0.001}
{"i":1,"i":2}
{"i":-2147483648,"n":-9223372036854775808,"r":-1.7976931348623157e308,"p":-9999.99}"#;

pub async fn send(node: &Node, bomb: &Bomb) {
    let brackets = "[".repeat(100_000);
    let nested = format!("{{\"i\":1}}\n{{\"i\":{brackets}");
    let cloud_event = format!("{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data\":{brackets}");
    let large_event = format!("{{\"i\":1}}\n{{\"t\":\"{}\"}}", "x".repeat(1 << 20));
    let typed = |request: reqwest::RequestBuilder, media: &str| request.header("content-type", media);
    let packed = |body: Vec<u8>| events(node, body).header("content-encoding", "gzip");
    for (what, request, expected) in [
        ("not UTF-8", events(node, &b"{\"i\":1}\n{\"i\":\"\xff\"}"[..]), json!([400, "not_text", 2, 8])),
        ("nested", events(node, nested), json!([400, "too_deep", 2, 8])),
        ("cut off", events(node, "{\"i\":1}\n{\"i\":"), json!([400, "syntax", 2, 8])),
        ("a large event", events(node, large_event), json!([413, "record_too_large", 2, 8])),
        ("empty", events(node, ""), json!([400, "bad_request", null, null])),
        ("a packed bomb", packed(bomb.gzip()), json!([413, "body_too_large", null, null])),
        ("a cut gzip", packed(large::cut_gzip(b"{\"i\":1}\n")), json!([400, "broken_container", null, null])),
        ("a nested CloudEvent", typed(events(node, cloud_event), "application/cloudevents+json"), json!([400, "syntax", 1, 0])),
        ("nowhere", post(node, "/v1/datasets/nowhere/events", "{}"), json!([404, "unknown_dataset", null, null])),
    ] {
        assert_eq!(refusal(request).await, expected, "{what}");
    }
    long_lines(node).await;
    statements(node).await;
    let receipt: Value = events(node, NUMBERS).send().await.unwrap().json().await.unwrap();
    assert_eq!((&receipt["count"], &receipt["first_id"]), (&json!(8), &json!("readings.local.1")), "what was refused landed: {receipt}");
}

/// 2 GB of one line: not a byte is taken of what says its size, and no more than a body may have of what does not.
async fn long_lines(node: &Node) {
    let request = "POST /v1/datasets/readings/events";
    let mut wire = Wire::open(&node.url).await;
    assert!(wire.send(head(request, &format!("content-length: {}\r\n", large::LONG_BYTES))).await);
    let (status, document) = problem(&wire.rest().await);
    assert_eq!(short(status, &document), json!([413, "body_too_large", null, null]));

    let mut wire = Wire::open(&node.url).await;
    wire.send(head(request, "transfer-encoding: chunked\r\n")).await;
    wire.send("a\r\n{\"i\":\"xxxx\r\n").await;
    let chunk = [format!("{:x}\r\n", 1 << 20).as_bytes(), &[b'x'; 1 << 20], b"\r\n"].concat();
    let mut sent = 0_u64;
    while sent < large::LONG_BYTES && wire.send(&chunk).await {
        sent += 1 << 20;
    }
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    let (status, document) = problem(&wire.rest().await);
    assert_eq!(short(status, &document), json!([413, "body_too_large", null, null]));
}

async fn statements(node: &Node) {
    let (round, square) = ("(".repeat(100_000), "[".repeat(100_000));
    for sql in [
        format!("select {round}"),
        format!("select {round}1{}", ")".repeat(100_000)),
        format!("select {square}"),
        format!("select 1{}", "+1".repeat(100_000)),
    ] {
        let refused = refusal(post(node, "/v1/sql", json!({ "sql": sql }).to_string())).await;
        assert_eq!(refused, json!([400, "bad_sql", null, null]), "{}", &sql[..20]);
    }
    let params = format!("{{\"sql\":\"select 1\",\"params\":{square}");
    assert_eq!(refusal(post(node, "/v1/sql", params)).await, json!([400, "bad_request", null, null]));
    assert_eq!(refusal(post(node, "/v1/sql", r#"{"sql":"select * from nowhere"}"#)).await, json!([400, "bad_sql", null, null]));
    assert_eq!(status_of(post(node, "/v1/sql", r#"{"sql":"select 1"}"#)).await, 200);
}

pub async fn check(node: &Node) {
    let rejects = node.rows("select event, reason, raw from landfall.rejects where dataset = 'readings' order by event").await;
    let reject = |event: u32, reason: &str, raw: &str| json!([format!("readings.local.{event}"), reason, raw]);
    assert_eq!(
        rejects,
        [
            reject(2, "column \"i\": 2147483648 does not fit an int", "{\"i\":2147483648}"),
            reject(3, "column \"n\": 9223372036854775808 does not fit a bigint", "{\"n\":9223372036854775808}"),
            reject(4, "column \"r\": 1e309 does not fit a double", "{\"r\":1e309}"),
            reject(5, "column \"p\": 10000 does not fit a decimal(6,2)", "{\"p\":10000}"),
            reject(6, "column \"p\": 0.001 has more digits after the point than a decimal(6,2) keeps", "{\"p\":0.001}"),
            reject(7, "\"i\" is named twice in one object", "{\"i\":1,\"i\":2}"),
        ]
    );
    let rows = node.rows("select i, n, p, _event from readings where i is not null order by i").await;
    assert_eq!(
        rows,
        [
            json!([-2_147_483_648_i64, "-9223372036854775808", "-9999.99", "readings.local.8"]),
            json!([2_147_483_647, "9223372036854775807", "9999.99", "readings.local.1"]),
        ]
    );
}
