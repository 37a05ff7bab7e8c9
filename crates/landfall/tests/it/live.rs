//! Promise 5: an acked event is in the next query's answer.

use futures::future::join_all;
use serde_json::json;

use crate::node::{Node, Place};

/// They share the work of asking 10,000 times.
const CLIENTS: usize = 4;

/// Each event is asked for right after its receipt.
async fn each_is_there(node: &Node, ids: impl Iterator<Item = usize>) {
    for id in ids {
        node.post("events", format!("{{\"id\":{id}}}")).await;
        let rows = node.rows(&format!("select count(*) from events where id = {id}")).await;
        assert_eq!(rows[0][0], 1, "event {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acked_event_is_in_the_next_answer_while_loads_come_and_go() {
    let place = Place::embedded("[datasets.events]\n");
    let node = place.start(&[]);
    join_all((0..CLIENTS).map(|client| each_is_there(&node, (client..10_000).step_by(CLIENTS)))).await;
    let loads = node.rows("select count(*) from landfall.loads where dataset = 'events' and state = 'done'").await;
    assert!(loads[0][0].as_i64().unwrap() > 3, "{loads:?} loads are none that come and go");
    let settled = node.settled().await;
    assert_eq!(settled[0]["loaded_records"], 10_000);
    assert_eq!(node.rows("select count(*), count(distinct id) from events").await, [json!([10_000, 10_000])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acked_event_is_in_the_next_answer_with_a_million_waiting_and_loading_stopped() {
    let place = Place::embedded("[datasets.events]\n");
    let node = place.start(&["--roles", "ingest,query"]);
    let (waiting, more) = (1_000_000, 1_000);
    for start in (0..waiting).step_by(100_000) {
        let lines: Vec<_> = (start..start + 100_000).map(|id| format!("{{\"id\":{id}}}")).collect();
        node.post("events", lines.join("\n")).await;
    }
    assert_eq!(node.rows("select count(*) from events").await, [json!([waiting])]);
    each_is_there(&node, waiting..waiting + more).await;
    assert_eq!(node.rows("select count(*), count(distinct id) from events").await, [json!([waiting + more, waiting + more])]);
}
