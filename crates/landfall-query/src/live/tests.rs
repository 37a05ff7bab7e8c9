//! The live view against a real catalog and a real store.

use std::time::Duration;

use landfall_catalog::testing::TestCatalog;
use landfall_model::{Clock, Column, Dataset, Timestamp, Type};
use serde_json::{Value, json};

use super::bench::{Bench, local, name};

fn event(n: i64) -> String {
    json!({ "n": n }).to_string()
}

fn numbers(rows: &Value) -> Vec<i64> {
    rows.as_array().unwrap().iter().map(|row| row[0].as_i64().unwrap()).collect()
}

fn orders() -> Dataset {
    Dataset { columns: Some(vec![Column::new("n", Type::Bigint)]), ..Dataset::new(name("orders")) }
}

/// Lands and loads at random, and asks after each step: every event that was acked is there, once.
async fn interleave(place: TestCatalog, seed: u64, memory: usize) {
    let random = Clock::fixed(Timestamp(0), seed);
    let bench = Bench::on(place, &[orders()], memory).await;
    let mut landed = 0;
    for _ in 0..40 {
        if random.random_below(3) > 0 {
            let count = 1 + i64::try_from(random.random_below(40)).unwrap();
            let events: Vec<String> = (landed + 1..=landed + count).map(event).collect();
            assert_eq!(bench.land("orders", &events).await, landed + 1);
            landed += count;
        } else {
            bench.load("orders", i64::try_from(random.random_below(200)).unwrap() + landed - 100).await;
        }
        let rows = bench.rows("select n from orders order by n").await;
        assert_eq!(numbers(&rows), (1..=landed).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(bench.rows("select count(*) from orders").await, json!([[landed]]));
        assert!(bench.live.held() <= memory, "{} bytes are held, and the most is {memory}", bench.live.held());
        let events = bench.rows("select count(distinct _event), count(*) from orders where n > 10").await;
        assert_eq!(events, json!([[(landed - 10).max(0), (landed - 10).max(0)]]));
    }
}

#[tokio::test]
async fn every_acked_event_is_there_once_whatever_is_loaded() {
    for seed in 0..6 {
        interleave(TestCatalog::sqlite(), seed, 64 << 20).await;
    }
    interleave(TestCatalog::postgres().await, 6, 64 << 20).await;
}

#[tokio::test]
async fn the_same_when_memory_is_short() {
    for (seed, memory) in [(10, 0), (11, 4 << 10), (12, 20 << 10)] {
        interleave(TestCatalog::sqlite(), seed, memory).await;
    }
    interleave(TestCatalog::postgres().await, 13, 4 << 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn queries_beside_landing_and_loading_never_miss_or_repeat() {
    let bench = std::sync::Arc::new(Bench::new(&[orders()]).await);
    let landing = tokio::spawn({
        let bench = bench.clone();
        async move {
            for n in 1..=150 {
                bench.land("orders", &[event(n)]).await;
                if n % 20 == 0 {
                    bench.load("orders", n - 3).await;
                }
            }
        }
    });
    let asking = (0..3).map(|_| {
        let bench = bench.clone();
        tokio::spawn(async move {
            let mut before = 0;
            while before < 150 {
                let found = numbers(&bench.rows("select n from orders order by n").await);
                let count = i64::try_from(found.len()).unwrap();
                assert_eq!(found, (1..=count).collect::<Vec<_>>());
                assert!(count >= before, "an event that was seen is gone");
                before = count;
                tokio::task::yield_now().await;
            }
        })
    });
    for task in asking.chain([landing]) {
        tokio::time::timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn columns_that_come_up_are_in_the_next_answer() {
    let bench = Bench::new(&[Dataset::new(name("orders"))]).await;
    assert_eq!(bench.rows("select * from orders").await, json!([]));
    bench.land("orders", &[r#"{"a": 1}"#.into()]).await;
    assert_eq!(bench.rows("select a from orders").await, json!([[1.0]]));
    bench.load("orders", 1).await;
    bench.land("orders", &[r#"{"a": 2, "Who": "me", "doc": {"k": [1]}}"#.into()]).await;
    assert_eq!(bench.rows("select a, who, doc from orders order by a").await, json!([[1.0, null, null], [2.0, "me", {"k": [1]}]]));
    bench.load("orders", 2).await;
    assert_eq!(bench.rows("select a, who, doc from orders order by a").await, json!([[1.0, null, null], [2.0, "me", {"k": [1]}]]));
}

#[tokio::test]
async fn the_systems_columns_say_where_a_row_comes_from() {
    let bench = Bench::new(&[orders()]).await;
    bench.land("orders", &[event(1), event(2)]).await;
    let sql = "select _event, _key, _line, _landing like 'lnd_%', _received_at is not null from orders order by n";
    let expected = json!([["orders.local.1", null, null, true, true], ["orders.local.2", null, null, true, true]]);
    assert_eq!(bench.rows(sql).await, expected);
    bench.load("orders", 2).await;
    assert_eq!(bench.rows(sql).await, expected);
    assert_eq!(bench.rows("select n from orders where _event = 'orders.local.2'").await, json!([[2]]));
}

#[tokio::test]
async fn what_was_loaded_gives_its_memory_back() {
    let bench = Bench::new(&[orders()]).await;
    bench.land("orders", &(1..=1_000).map(event).collect::<Vec<_>>()).await;
    assert_eq!(bench.rows("select count(*) from orders").await, json!([[1_000]]));
    assert!(bench.live.held() > 8_000);
    bench.load("orders", 1_000).await;
    assert_eq!(bench.rows("select count(*) from orders").await, json!([[1_000]]));
    assert_eq!((bench.live.held(), bench.tables.get(&name("orders")).state().await.unwrap().watermark(&local())), (0, 1_000));
}

#[tokio::test]
async fn a_transform_is_the_same_before_and_after_the_load() {
    let transform = Some("select n * 2 as double, unnest(make_array(n, -n)) as either from input where n > 1".into());
    let bench = Bench::new(&[Dataset { transform, ..orders() }]).await;
    bench.land("orders", &[event(1), event(2), event(3)]).await;
    let sql = "select double, either, _event from orders order by double, either";
    let expected = json!([[4, -2, "orders.local.2"], [4, 2, "orders.local.2"], [6, -3, "orders.local.3"], [6, 3, "orders.local.3"]]);
    assert_eq!(bench.rows(sql).await, expected);
    bench.load("orders", 3).await;
    assert_eq!(bench.rows(sql).await, expected);
}

#[tokio::test]
async fn events_that_do_not_fit_are_left_out() {
    let bench = Bench::new(&[orders()]).await;
    bench.land("orders", &[event(1), r#"{"n": "none"}"#.into(), event(3)]).await;
    assert_eq!(bench.rows("select n, _event from orders order by n").await, json!([[1, "orders.local.1"], [3, "orders.local.3"]]));
}

/// The physical plan, as `explain` shows it.
async fn plan(bench: &Bench, sql: &str) -> String {
    let rows = bench.rows(&format!("explain format indent {sql}")).await;
    rows.as_array().unwrap().iter().find(|row| row[0] == "physical_plan").unwrap()[1].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_query_reads_no_more_than_it_must() {
    let bench = Bench::new(&[orders()]).await;
    for file in 0..8 {
        bench.land("orders", &(file * 10 + 1..=file * 10 + 10).map(event).collect::<Vec<_>>()).await;
        bench.load("orders", file * 10 + 10).await;
    }
    bench.land("orders", &[event(81)]).await;
    // How many rows there are is known, and so is the largest of them where nothing waits.
    let counted = plan(&bench, "select count(*) from orders").await;
    assert!(counted.contains("PlaceholderRowExec") && !counted.contains("DataSourceExec"), "{counted}");
    // Of eight files one can hold the row, and filters and columns are pushed down to it.
    let pruned = plan(&bench, "select _event from orders where n = 25").await;
    assert_eq!(pruned.matches(".parquet").count(), 1, "{pruned}");
    assert!(pruned.contains("projection=[_event]") && pruned.contains("predicate=n@0 = 25"), "{pruned}");
    assert_eq!(
        bench.rows("select _event from orders where n = 25 or n = 81 order by n").await,
        json!([["orders.local.25"], ["orders.local.81"]])
    );
    let none = plan(&bench, "select _event from orders where n > 100").await;
    assert_eq!(none.matches(".parquet").count(), 0, "{none}");
    assert_eq!(bench.rows("select min(n), max(n) from orders").await, json!([[1, 81]]));
}

#[tokio::test]
async fn a_batch_that_the_transform_cannot_take_hides_no_other() {
    let bench = Bench::new(&[Dataset { transform: Some("select 10 / n as part from input".into()), ..orders() }]).await;
    for n in [1, 0, 5] {
        bench.land("orders", &[event(n)]).await;
    }
    assert_eq!(bench.rows("select part, _event from orders order by part").await, json!([[2, "orders.local.3"], [10, "orders.local.1"]]));
    bench.land("orders", &[event(2)]).await;
    assert_eq!(bench.rows("select count(*) from orders").await, json!([[3]]));
}
