//! SQLite's log stays as long as it was made, however much goes through it.

use bytes::Bytes;
use landfall_catalog::testing::TestCatalog;
use landfall_model::limits;

use crate::engine::make_table;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_starts_over_while_writers_and_readers_go_on() {
    const WRITERS: i64 = 8;
    const EACH: i64 = 600;
    let place = TestCatalog::sqlite();
    let catalog = place.open().await.unwrap();
    make_table(&catalog).await;
    let log = format!("{}-wal", place.url().strip_prefix("sqlite:").unwrap());
    let length = || std::fs::metadata(&log).map(|file| file.len());
    assert_eq!(length().unwrap(), limits::CATALOG_LOG_BYTES, "grown before it is used");
    let body = Bytes::from(vec![b'x'; 12 << 10]);
    let writers = (0..WRITERS).map(|writer| {
        let (catalog, body) = (catalog.clone(), body.clone());
        tokio::spawn(async move {
            for id in (0..EACH).map(|n| n * WRITERS + writer) {
                let body = body.clone();
                let sql = "insert into things (id, body) values ($1, $2)";
                catalog.write(move |tx| tx.execute(sql, &[id.into(), (&body).into()])).await.unwrap();
                catalog.read(move |tx| tx.query("select name from things where id = $1", &[id.into()])).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let went_through = u64::try_from(WRITERS * EACH).unwrap() * 12 * 1024;
    assert!(went_through > 3 * limits::CATALOG_LOG_BYTES);
    let length = length().unwrap();
    assert!(length < 2 * limits::CATALOG_LOG_BYTES, "{went_through} bytes made the log {length} long");
    catalog.close().await;
    assert!(!std::fs::exists(&log).unwrap(), "the log is emptied and gone once everybody has left");
}
