//! Promise 5: an acked event is in the next query's answer.

use serde_json::json;

use crate::node::{ADMIN_KEY, Node, Place, client};

async fn post(node: &Node, body: String) {
    let request = client().post(format!("{}/v1/datasets/events/events", node.url)).bearer_auth(ADMIN_KEY).body(body);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 202, "{}", response.text().await.unwrap());
}

/// Each event is asked for right after its receipt, while loads come and go.
async fn each_is_there(node: &Node, from: usize, count: usize) {
    for id in from..from + count {
        post(node, format!("{{\"id\":{id}}}")).await;
        let rows = node.rows(&format!("select count(*) from events where id = {id}")).await;
        assert_eq!(rows[0][0], 1, "event {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acked_event_is_in_the_next_answer_while_loads_come_and_go() {
    let place = Place::embedded("[datasets.events]\n");
    let node = place.start(&[]);
    each_is_there(&node, 0, 1_000).await;
    let settled = node.settled().await;
    assert_eq!(settled[0]["loaded_records"], 1_000);
    assert_eq!(node.rows("select count(*), count(distinct id) from events").await, [json!([1_000, 1_000])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acked_event_is_in_the_next_answer_with_many_waiting_and_loading_stopped() {
    let place = Place::embedded("[datasets.events]\n");
    let node = place.start(&["--roles", "ingest,query"]);
    let many = 200_000;
    for start in (0..many).step_by(10_000) {
        let lines: Vec<_> = (start..start + 10_000).map(|id| format!("{{\"id\":{id}}}")).collect();
        post(&node, lines.join("\n")).await;
    }
    each_is_there(&node, many, 200).await;
    assert_eq!(node.rows("select count(*) from events").await, [json!([many + 200])]);
}
