//! Purges: what is still said of a landing when retention has taken it.

use landfall_model::{Counts, DataFile, LoadId, Manifest, ManifestId, Subject, Timestamp};
use serde_json::{Value, json};

use crate::open::{Open, open, orders, problem};

/// Loads the two events that have landed, and has all of it expire and purged, as if a table had taken both loads.
async fn purge(open: &Open) {
    let catalog = &open.catalog;
    let lease = catalog.acquire_sink(&orders(), "test").await.unwrap().unwrap();
    let id = ManifestId::new(catalog.clock());
    let path = format!("_partition=2026-11-21/{id}-00000.parquet");
    catalog.register_paths(&orders(), id.as_str(), vec![format!("tables/orders/{path}")]).await.unwrap();
    let manifest = Manifest {
        id,
        dataset: orders(),
        subject: Subject::Range { region: "local".parse().unwrap(), first: 1, last: 2, except: Vec::new() },
        definition_version: 1,
        columns_version: 1,
        files: vec![DataFile { path, partition: "2026-11-21".into(), size: 1, rows: 2, stats: "{}".into() }],
        counts: Counts { records: 2, bytes: 15, rows: 2, ..Counts::default() },
        rejects: None,
    };
    catalog.record_range(&lease, &manifest, Vec::new()).await.unwrap();
    let load = catalog.number_load(&lease, LoadId::new(catalog.clock())).await.unwrap().unwrap();
    catalog.finish_load(&lease, &load, 1).await.unwrap();
    let cutoff = Timestamp(catalog.clock().now().micros() + 1_000_000);
    let expiry = catalog.number_expiry(&lease, LoadId::new(catalog.clock()), cutoff).await.unwrap().unwrap();
    catalog.finish_load(&lease, &expiry, 2).await.unwrap();
    while catalog.purge(&orders(), 100).await.unwrap() > 0 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_landing_is_gone_and_listed() {
    let open = open().await;
    open.events("{\"n\":1}\n{\"n\":2}").await;
    let landing = open.get("/v1/landings").await["items"][0].clone();
    let id = landing["id"].as_str().unwrap();
    purge(&open).await;
    let purged = open.get("/v1/purges?dataset=orders").await["items"].clone();
    assert_eq!(purged.as_array().unwrap().len(), 1);
    for (name, expected) in [
        ("landing", json!(id)),
        ("last_landing", json!(id)),
        ("landings", json!(1)),
        ("kind", json!("batch")),
        ("digest", landing["digest"].clone()),
        ("records", json!(2)),
        ("bytes", landing["size"].clone()),
        ("received_at", landing["received_at"].clone()),
        ("bytes_at", Value::Null),
    ] {
        assert_eq!(purged[0][name], expected, "{name}");
    }
    let sql = json!({ "sql": "select landing, landings, kind, records, digest from landfall.purges where dataset = 'orders'" });
    let rows: Value = open.sql(sql).await.json().await.unwrap();
    assert_eq!(rows["rows"], json!([[id, 1, "batch", 2, landing["digest"]]]));

    let status = format!("/v1/status/{id}");
    let gone = open.request("GET", &status).send().await.unwrap();
    assert_eq!(gone.status(), 410);
    let gone: Value = gone.json().await.unwrap();
    let sentence = gone["detail"].as_str().unwrap();
    for part in
        ["`orders`", "batch", "records: 2", "bytes: 15", landing["digest"].as_str().unwrap(), purged[0]["purged_at"].as_str().unwrap()]
    {
        assert!(sentence.contains(part), "{part} in {sentence}");
    }
    let hold = open.request("PUT", &format!("/v1/holds/{id}")).json(&json!({ "reason": "too late" })).send().await.unwrap();
    assert_eq!(problem(hold).await, (410, "gone".into()));
    // What it was is told only to whom it was open.
    let stranger = open.key("stranger", &["passing:query"]).await;
    let denied = open.anonymous("GET", &status).bearer_auth(&stranger).send().await.unwrap();
    assert_eq!(problem(denied).await, (403, "denied".into()));
}
