//! A real file: all flights out of New York in 2013, 336,776 of them.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::node::{ADMIN_KEY, Place, client, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_flights_are_all_there_or_none_of_them() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/flights/flights.csv.zip");
    let Ok(bytes) = std::fs::read(&file) else {
        // The file is not part of the repository; without it there is nothing to tell.
        return;
    };
    let place = Place::embedded("[datasets.flights]\n");
    let node = place.start(&[]);
    let put = client().put(format!("{}/v1/datasets/flights/files/2013.csv.zip", node.url)).bearer_auth(ADMIN_KEY).body(bytes);
    assert_eq!(put.send().await.unwrap().status(), 201);
    eventually("the flights are loaded", Duration::from_secs(120), async || {
        let rows = node.rows("select count(*) from flights").await[0][0].as_i64().unwrap();
        assert!(rows == 0 || rows == 336_776, "a query saw {rows} rows while the file was loaded");
        (rows == 336_776).then_some(())
    })
    .await;
    // Counted with DuckDB from the same file.
    let rows = node
        .rows("select carrier, count(*), round(avg(dep_delay), 6) from flights where carrier in ('HA', 'OO') group by carrier order by 1")
        .await;
    assert_eq!(rows, [json!(["HA", 342, 4.900585]), json!(["OO", 32, 12.586207])]);
    assert_eq!(node.settled().await[0]["balances"], true);
    assert!(node.stop().success());
}
