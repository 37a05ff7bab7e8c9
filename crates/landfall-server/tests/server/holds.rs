//! Holds: put, listed, released, and by whom.

use reqwest::Response;
use serde_json::{Value, json};

use crate::open::{Open, open, problem};

async fn hold(open: &Open, subject: &str, body: Value) -> Response {
    open.request("PUT", &format!("/v1/holds/{subject}")).json(&body).send().await.unwrap()
}

async fn release(open: &Open, subject: &str) -> Response {
    open.request("DELETE", &format!("/v1/holds/{subject}")).send().await.unwrap()
}

/// The subjects that are listed, each with its landing and its reason.
async fn held(open: &Open, query: &str) -> Vec<[Value; 3]> {
    let list = open.get(&format!("/v1/holds{query}")).await;
    let of = |item: &Value| ["subject", "landing", "reason"].map(|name| item[name].clone());
    list["items"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_put_listed_and_released() {
    let open = open().await;
    let id = open.file("a", "x\n").await.to_string();
    let put: Value = hold(&open, &id, json!({ "reason": " case 7 " })).await.json().await.unwrap();
    assert_eq!((&put["subject"], &put["dataset"], &put["reason"]), (&id.as_str().into(), &"orders".into(), &"case 7".into()));
    assert_eq!((&put["principal"], &put["asked"]), (&"key:admin".into(), &Value::Null));
    let again: Value = hold(&open, &id, json!({ "reason": "case 8" })).await.json().await.unwrap();
    assert_eq!((&again["reason"], &again["created_at"]), (&"case 8".into(), &put["created_at"]));
    assert_eq!(hold(&open, "passing", json!({ "reason": "audit" })).await.status(), 200);
    let (landing, dataset) = ([json!(id), json!(id), json!("case 8")], [json!("passing"), Value::Null, json!("audit")]);
    assert_eq!(held(&open, "").await, [landing.clone(), dataset.clone()]);
    assert_eq!(held(&open, "?dataset=orders").await, [landing]);
    assert_eq!(held(&open, &format!("?cursor={id}")).await, [dataset]);
    let rows = open.sql(json!({ "sql": "select subject, landing, reason from landfall.holds order by subject" })).await;
    let rows: Value = rows.json().await.unwrap();
    assert_eq!(rows["rows"], json!([[id, id, "case 8"], ["passing", null, "audit"]]));
    for subject in [id.as_str(), "passing"] {
        assert_eq!(release(&open, subject).await.status(), 204);
        assert_eq!(problem(release(&open, subject).await).await, (404, "not_found".into()));
    }
    assert_eq!(held(&open, "").await, [] as [[Value; 3]; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_held_is_refused() {
    let open = open().await;
    let reason = || json!({ "reason": "case 7" });
    for (subject, body, expected) in [
        ("orders", json!({}), (400, "bad_request")),
        ("orders", json!({ "reason": " " }), (400, "bad_request")),
        ("orders", json!({ "reason": "x".repeat(1001) }), (400, "bad_request")),
        ("orders", json!({ "reason": "x", "until": "2030" }), (400, "bad_request")),
        ("orderss", reason(), (404, "unknown_dataset")),
        ("lnd_00000000000000000000000000", reason(), (404, "not_found")),
        ("lnd_1", reason(), (400, "bad_request")),
        ("orders.local.42", reason(), (400, "bad_request")),
    ] {
        assert_eq!(problem(hold(&open, subject, body.clone()).await).await, (expected.0, expected.1.to_owned()), "{subject} {body}");
    }
    assert_eq!(hold(&open, "orders", json!({ "reason": "é".repeat(1000) })).await.status(), 200);
    let unknown = open.request("GET", "/v1/holds?dataset=orderss").send().await.unwrap();
    assert_eq!(problem(unknown).await, (404, "unknown_dataset".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_administer_a_dataset_holds_it() {
    let open = open().await;
    let id = open.file("a", "x\n").await.to_string();
    let (reader, keeper) = (open.key("reader", &["orders:query"]).await, open.key("keeper", &["orders:administer"]).await);
    let ask = |method: &'static str, path: String, secret: &str| {
        open.anonymous(method, &path).bearer_auth(secret).json(&json!({ "reason": "case 7" })).send()
    };
    for subject in ["orders", &id] {
        let path = format!("/v1/holds/{subject}");
        for method in ["PUT", "DELETE"] {
            assert_eq!(problem(ask(method, path.clone(), &reader).await.unwrap()).await, (403, "denied".into()), "{method} {subject}");
            let anonymous = open.anonymous(method, &path).json(&json!({ "reason": "case 7" })).send().await.unwrap();
            assert_eq!(problem(anonymous).await, (401, "unauthenticated".into()), "{method} {subject}");
        }
        assert_eq!(ask("PUT", path.clone(), &keeper).await.unwrap().status(), 200, "{subject}");
        assert_eq!(ask("DELETE", path, &keeper).await.unwrap().status(), 204, "{subject}");
    }
    for other in ["PUT", "DELETE"] {
        assert_eq!(problem(ask(other, "/v1/holds/passing".into(), &keeper).await.unwrap()).await, (403, "denied".into()));
    }
    for list in ["holds", "purges"] {
        assert_eq!(ask("GET", format!("/v1/{list}?dataset=orders"), &reader).await.unwrap().status(), 200, "{list}");
        for all in [format!("/v1/{list}"), format!("/v1/{list}?dataset=passing")] {
            assert_eq!(problem(ask("GET", all, &reader).await.unwrap()).await, (403, "denied".into()), "{list}");
        }
    }
}
