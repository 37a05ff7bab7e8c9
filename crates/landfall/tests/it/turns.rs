//! A backfill does not starve live work: priorities, turns, and what the service level says of it.

use serde_json::json;

use crate::node::{ADMIN_KEY, Node, Place, client};

/// So many that most of them wait when the one of the other dataset is loaded.
const FILES: usize = 400;

async fn put(node: &Node, dataset: &str, key: &str, body: String) {
    let url = format!("{}/v1/datasets/{dataset}/files/{key}", node.url);
    let response = client().put(url).bearer_auth(ADMIN_KEY).body(body).send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.text().await.unwrap());
}

/// How many files of a dataset are in its table, and how many landed.
async fn loaded(node: &Node, dataset: &str) -> (i64, i64) {
    let sql = format!("select count(*) filter (where phase = 'loaded'), count(*) from landfall.landings where dataset = '{dataset}'");
    let rows = node.rows(&sql).await;
    (rows[0][0].as_i64().unwrap(), rows[0][1].as_i64().unwrap())
}

/// How many files of `history` were in its table when the file of `live` came into its own.
const LOADED_EARLIER: &str = "select count(*) from landfall.landings a join landfall.loads b on b.dataset = a.dataset and b.number = a.load \
    where a.dataset = 'history' and b.committed_at < (select min(committed_at) from landfall.loads where dataset = 'live')";

/// Lands many files in `history` while nobody works, then one in `live`, and starts to work.
async fn live_is_loaded_while_history_waits(place: Place) {
    let node = place.start(&["--roles", "ingest,query"]);
    for number in 0..FILES {
        put(&node, "history", &format!("{number}.csv"), format!("n,text\n{number},history\n")).await;
    }
    put(&node, "live", "now.csv", "n,text\n1,live\n".into()).await;
    assert_eq!((loaded(&node, "history").await, loaded(&node, "live").await), ((0, 400), (0, 1)));
    assert!(node.stop().success());

    let node = place.start(&[]);
    let audit = node.settled().await;
    assert!(audit.iter().all(|item| item["balances"] == true), "{audit:?}");
    assert_eq!(node.rows("select text from live").await, [json!(["live"])]);
    assert_eq!(node.rows("select count(*) from history").await, [json!([FILES])]);
    let earlier = node.rows(LOADED_EARLIER).await[0][0].as_i64().unwrap();
    assert!(earlier < 40, "{earlier} of {FILES} files that came before it were loaded before it");

    // What had to wait took longer than a millisecond, and each is said once.
    let breaches = node.rows("select count(*), count(distinct landing), min(seconds) > 0.001 from landfall.sla_breaches").await;
    assert_eq!(breaches, [json!([FILES, FILES, true])]);
    let listed = node.command(&["breaches", "history", "-o", "json", "--all"]);
    assert!(listed.status.success());
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.len(), FILES);
    let status = node.command(&["status", listed[0]["landing"].as_str().unwrap()]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("service level 1ms: took"), "{status:?}");
}

const DATASETS: &str = "[datasets.history]\nsla = \"1ms\"\n[datasets.live]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_loaded_while_a_backfill_of_another_dataset_waits_on_sqlite() {
    live_is_loaded_while_history_waits(Place::embedded(DATASETS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_loaded_while_a_backfill_of_another_dataset_waits_on_postgres() {
    live_is_loaded_while_history_waits(Place::postgres(DATASETS).await).await;
}
