//! `replay --into`, `diff` and `drop`, as their users run them: what a mended
//! transform would change is counted before anything changes.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::node::{Node, Place, eventually};

const COLUMNS: &str = "columns = { id = \"bigint\", amount = \"bigint\", items = \"text[]\" }";

const OLD: &str = "select id, amount, unnest(items) as item from input where id <> 4";

/// Mends the amount of 2 and one item of 5, takes out 3, brings in 4; and has another column.
const NEW: &str = "select id, case when id = 2 then amount + 1 else amount end as amount, case when item = 'x' then 'y' else item end as item, \
                   case when id = 7 then 'seven' end as note from (select id, amount, unnest(items) as item from input) as each where id <> 3";

fn configuration(transform: &str) -> String {
    format!("[datasets.orders]\n{COLUMNS}\ntransform = \"{transform}\"\n")
}

fn ran(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn diff(node: &Node, a: &str, b: &str) -> Value {
    serde_json::from_str(&ran(node.command(&["diff", a, b, "-o", "json"]))).unwrap()
}

fn counts(found: &Value) -> [i64; 4] {
    ["unchanged", "changed", "added", "gone"].map(|name| found[name].as_i64().unwrap())
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_counts_what_a_mended_transform_would_change() {
    let place = Place::embedded(&configuration(OLD));
    let node = place.start(&[]);
    let events = [
        r#"{"id":1,"amount":10,"items":["a","a"]}"#,
        r#"{"id":2,"amount":20,"items":["b","c"]}"#,
        r#"{"id":3,"amount":30,"items":["d"]}"#,
        r#"{"id":4,"amount":40,"items":["e","f"]}"#,
        r#"{"id":5,"amount":50,"items":["x","g"]}"#,
    ];
    node.post("orders", events.join("\n")).await;
    node.settled().await;
    assert!(node.stop().success());
    let path = place.path("landfall.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace(OLD, NEW);
    std::fs::write(&path, text).unwrap();

    let node = place.start(&[]);
    ran(node.command(&["replay", "orders", "--into", "orders_next", "--wait"]));
    let before = node.rows("select count(*) from orders").await;
    assert_eq!(before, [json!([7])], "the dataset's own table is as it was");
    // Received behind the window, so not compared.
    node.post("orders", r#"{"id":7,"amount":70,"items":["h"]}"#.to_owned()).await;
    let found = diff(&node, "orders", "orders_next");
    assert_eq!(counts(&found), [3, 3, 2, 1], "{found:#}");
    assert_eq!(found["b"]["only_columns"], json!([]), "the table of the dataset has the new column by now, empty: {found:#}");
    let one: Vec<_> = found["examples"].as_array().unwrap().iter().filter(|example| !example["columns"][0].is_null()).collect();
    assert!(one.is_empty(), "each of these records is several rows or none: {found:#}");
    let table = ran(node.command(&["diff", "orders", "orders_next", "--examples", "0"]));
    assert!(table.contains("unchanged") && table.contains("orders_next holds what was received before"), "{table}");
    assert_eq!(counts(&diff(&node, "orders_next", "orders")), [3, 3, 1, 2], "the other way round");
    assert_eq!(counts(&diff(&node, "orders", "orders")), [8, 0, 0, 0]);
    let differ = node.command(&["diff", "orders", "orders_next", "--exit-code", "-o", "csv"]);
    assert_eq!(
        (said(&differ).0, String::from_utf8_lossy(&differ.stdout).replace('\r', "")),
        (Some(1), "rows,count\nunchanged,3\nchanged,3\nadded,2\ngone,1\n".into())
    );
    assert_eq!(said(&node.command(&["diff", "orders", "orders", "--exit-code"])).0, Some(0));

    let audit = node.settled().await;
    assert_eq!((audit.len(), &audit[0]["dataset"], &audit[0]["balances"]), (1, &json!("orders"), &json!(true)), "{audit:?}");
    let (code, why) = said(&node.command(&["replay", "orders", "--into", "orders_next"]));
    assert!(code == Some(1) && why.contains("landfall drop orders_next"), "{why}");
    ran(node.command(&["drop", "orders_next"]));
    let gone = node.command(&["diff", "orders", "orders_next"]);
    assert_eq!(said(&gone).0, Some(1));
    // What is known of the one that was dropped is not said of one that is made anew, and has nothing yet.
    let begun = ran(node.command(&["replay", "orders", "--into", "orders_next", "--to", "2000-01-01"]));
    let (code, why) = said(&node.command(&["drop", "orders"]));
    assert!(code == Some(1) && why.contains("is not a side table"), "{why}");
    eventually("an empty replay is done", Duration::from_secs(60), async || {
        let state = node.get(&format!("/v1/replays/{}", begun.trim())).await;
        (state["state"] == "done").then_some(())
    })
    .await;
    assert_eq!(counts(&diff(&node, "orders", "orders_next")), [0, 0, 0, 0], "nothing was received before that day");
    ran(node.command(&["drop", "orders_next"]));
    ran(node.command(&["replay", "orders", "--into", "orders_next", "--wait"]));
    assert_eq!(counts(&diff(&node, "orders", "orders_next")), [4, 3, 2, 1], "made anew, of all that landed since");
    assert!(node.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_names_the_columns_that_differ() {
    let place = Place::embedded("[datasets.a]\n[datasets.b]\ncolumns = { id = \"bigint\", n = \"text\", more = \"text\" }\n");
    let node = place.start(&[]);
    node.post("a", "{\"id\":1,\"n\":1}\n{\"id\":2,\"n\":2}".to_owned()).await;
    node.post("b", "{\"id\":1,\"n\":\"x\"}".to_owned()).await;
    let found = diff(&node, "a", "b");
    assert_eq!(counts(&found), [0, 0, 1, 2], "rows of other landings are other rows");
    assert_eq!(found["b"]["only_columns"], json!(["more"]));
    let retyped: Vec<_> = found["other_types"].as_array().unwrap().iter().map(|column| &column["column"]).collect();
    assert_eq!(retyped, ["id", "n"]);
    assert_eq!(said(&node.command(&["diff", "a", "no table"])).0, Some(2));
    assert!(node.stop().success());
}
