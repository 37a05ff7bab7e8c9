//! Events in all their forms.

use serde_json::Value;

use crate::open::{header, open, orders, problem};

async fn receipt(response: reqwest::Response) -> (u16, String, String, u64) {
    let status = response.status().as_u16();
    assert_eq!(header(&response, "content-type"), "application/json", "{status}");
    let receipt: Value = response.json().await.unwrap();
    let text = |name: &str| receipt[name].as_str().unwrap().to_owned();
    assert_eq!(text("status"), format!("/v1/status/{}", text("first_id")));
    (status, text("first_id"), text("last_id"), receipt["count"].as_u64().unwrap())
}

fn numbers(first: i64, last: i64) -> (u16, String, String, u64) {
    (202, format!("orders.local.{first}"), format!("orders.local.{last}"), u64::try_from(last - first + 1).unwrap())
}

#[tokio::test]
async fn a_body_is_told_by_its_bytes() {
    let open = open().await;
    assert_eq!(receipt(open.events("{\"a\":1}").await).await, numbers(1, 1));
    assert_eq!(receipt(open.events("[{\"a\":1},{\"a\":2}]").await).await, numbers(2, 3));
    assert_eq!(receipt(open.events("{\"a\":1}\n{\"a\":2}\n\n{\"a\":3}\n").await).await, numbers(4, 6));
}

#[tokio::test]
async fn cloudevents_become_their_envelope() {
    let open = open().await;
    let binary = open.request("POST", "/v1/datasets/orders/events").header("ce-specversion", "1.0").header("ce-id", "1");
    let binary = binary.header("ce-source", "/shop").header("ce-type", "sold").header("content-type", "application/json").body("{\"n\":1}");
    assert_eq!(receipt(binary.send().await.unwrap()).await, numbers(1, 1));
    let event = r#"{"specversion":"1.0","id":"2","source":"/shop","type":"sold","data":{"n":2}}"#;
    let structured = open.request("POST", "/v1/datasets/orders/events").header("content-type", "application/cloudevents+json").body(event);
    assert_eq!(receipt(structured.send().await.unwrap()).await, numbers(2, 2));
    let batch = open.request("POST", "/v1/datasets/orders/events").header("content-type", "application/cloudevents-batch+json");
    assert_eq!(receipt(batch.body(format!("[{event},{event}]")).send().await.unwrap()).await, numbers(3, 4));
    let landed = open.catalog.events_above(&orders(), &"local".parse().unwrap(), 0, i64::MAX).await.unwrap();
    let first: Value = serde_json::from_slice(landed[0].body.as_ref().unwrap()).unwrap();
    assert_eq!((&first["id"], &first["data"]["n"], &first["type"]), (&"1".into(), &1.into(), &"sold".into()));
}

#[tokio::test]
async fn a_repeated_request_gives_its_receipt_again() {
    let open = open().await;
    let send = |key: &'static str, body: &'static str| {
        open.request("POST", "/v1/datasets/orders/events").header("idempotency-key", key).body(body).send()
    };
    let first = receipt(send("k1", "{\"a\":1}").await.unwrap()).await;
    let again = receipt(send("k1", "{\"a\":1}").await.unwrap()).await;
    assert_eq!((first.0, again.0, &first.1), (202, 200, &again.1));
    assert_eq!(problem(send("k1", "{\"a\":2}").await.unwrap()).await, (409, "idempotency_mismatch".into()));
    assert_eq!(receipt(send("k2", "{\"a\":2}").await.unwrap()).await, numbers(2, 2));
}

#[tokio::test]
async fn packed_bodies_are_unpacked_and_broken_ones_refused() {
    let open = open().await;
    let packed = zstd::encode_all("{\"a\":1}\n{\"a\":2}".as_bytes(), 1).unwrap();
    let send = |body: Vec<u8>| open.request("POST", "/v1/datasets/orders/events").header("content-encoding", "zstd").body(body).send();
    assert_eq!(receipt(send(packed.clone()).await.unwrap()).await, numbers(1, 2));
    assert_eq!(problem(send(packed[..packed.len() - 3].to_vec()).await.unwrap()).await, (400, "broken_container".into()));
    assert_eq!(
        problem(send(zstd::encode_all([b' '; 1 << 25].as_slice(), 1).unwrap()).await.unwrap()).await,
        (413, "body_too_large".into())
    );
}

#[tokio::test]
async fn bad_bodies_are_refused_with_their_place() {
    let open = open().await;
    let refused = open.events("{\"a\":1}\n{\"a\":2\n{\"a\":3}").await;
    let document: Value = refused.json().await.unwrap();
    assert_eq!((&document["code"], &document["status"]), (&"syntax".into(), &400.into()), "{document}");
    assert!(document["line"].is_u64() && document["byte_offset"].is_u64(), "{document}");
    assert_eq!(problem(open.events("[".repeat(100_000)).await).await.0, 400);
    assert_eq!(problem(open.events(vec![b'{'; 17 << 20]).await).await, (413, "body_too_large".into()));
    assert_eq!(problem(open.events(b"{\"a\":\"\xff\"}".to_vec()).await).await.0, 400);
    assert_eq!(problem(open.events("").await).await.0, 400);
    assert_eq!(receipt(open.events("{}").await).await, numbers(1, 1), "nothing of these took a number");
}

#[tokio::test]
async fn who_may_not_land_is_told_so_before_the_body_is_read() {
    let open = open().await;
    let anonymous = open.anonymous("POST".parse().unwrap(), "/v1/datasets/orders/events").body("{}").send().await.unwrap();
    assert!(header(&anonymous, "www-authenticate").starts_with("Bearer"));
    assert_eq!(problem(anonymous).await, (401, "unauthenticated".into()));
    let wrong =
        open.anonymous("POST".parse().unwrap(), "/v1/datasets/orders/events").bearer_auth("nonsense").body("{}").send().await.unwrap();
    assert_eq!(problem(wrong).await, (401, "unauthenticated".into()));
    let secret = open.gate.create_key(&open.catalog, "reader", &["orders:query".parse().unwrap()]).await.unwrap();
    let reader =
        open.anonymous("POST".parse().unwrap(), "/v1/datasets/orders/events").basic_auth("reader", Some(secret.reveal())).body("{}");
    assert_eq!(problem(reader.send().await.unwrap()).await, (403, "denied".into()));
    let unknown = open.request("POST", "/v1/datasets/nowhere/events").body("{}").send().await.unwrap();
    assert_eq!(problem(unknown).await, (404, "unknown_dataset".into()));
}

#[tokio::test]
async fn an_unknown_path_or_method_is_a_problem_too() {
    let open = open().await;
    assert_eq!(problem(open.request("GET", "/v1/nothing").send().await.unwrap()).await, (404, "not_found".into()));
    assert_eq!(problem(open.request("PUT", "/v1/datasets/orders/events").send().await.unwrap()).await, (405, "method_not_allowed".into()));
}
