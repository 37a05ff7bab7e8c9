//! `POST /v1/sql`.

use serde_json::{Value, json};

use crate::open::{open, problem};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acked_is_in_the_next_answer_in_every_form() {
    let open = open().await;
    open.events("{\"n\":1,\"name\":\"a\"}\n{\"n\":2,\"name\":\"b,c\"}").await;
    let sql = "select n, name from orders where n > $1 order by n";
    let answer: Value = open.sql(json!({ "sql": sql, "params": [0] })).await.json().await.unwrap();
    assert_eq!(answer["columns"][1]["name"], "name", "{answer}");
    assert_eq!(answer["rows"], json!([[1.0, "a"], [2.0, "b,c"]]));
    let ask = async |accept: &str| {
        let response =
            open.request("POST", "/v1/sql").header("accept", accept).json(&json!({ "sql": sql, "params": [1] })).send().await.unwrap();
        (response.headers()["content-type"].to_str().unwrap().to_owned(), response.bytes().await.unwrap())
    };
    let (csv, text) = ask("text/csv").await;
    assert_eq!((csv.as_str(), text.as_ref()), ("text/csv", b"n,name\n2.0,\"b,c\"\n".as_slice()));
    let (ndjson, text) = ask("application/x-ndjson").await;
    assert_eq!(
        (ndjson.as_str(), serde_json::from_slice::<Value>(&text).unwrap()),
        ("application/x-ndjson", json!({ "n": 2.0, "name": "b,c" }))
    );
    assert!(ask("application/vnd.apache.arrow.stream").await.1.len() > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_cannot_be_answered_is_refused() {
    let open = open().await;
    assert_eq!(problem(open.sql(json!({ "sql": "select * from nowhere" })).await).await, (400, "bad_sql".into()));
    assert_eq!(problem(open.sql(json!({ "sql": "selct 1" })).await).await, (400, "bad_sql".into()));
    assert_eq!(problem(open.sql(json!({ "sql": "select 1", "parms": [] })).await).await, (400, "bad_request".into()));
    assert_eq!(problem(open.sql(json!({ "sql": format!("select 1{}", " ".repeat(1 << 20)) })).await).await, (400, "bad_sql".into()));
    let form = open.request("POST", "/v1/sql").header("accept", "image/png").json(&json!({ "sql": "select 1" })).send().await.unwrap();
    assert_eq!(problem(form).await.0, 415);
    let secret = open.gate.create_key(&open.catalog, "lander", &["orders:land".parse().unwrap()]).await.unwrap();
    let denied = open
        .anonymous("POST", "/v1/sql")
        .bearer_auth(secret.reveal())
        .json(&json!({ "sql": "select * from orders" }))
        .send()
        .await
        .unwrap();
    assert_eq!(problem(denied).await, (403, "denied".into()));
}
