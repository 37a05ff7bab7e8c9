//! Wake-ups inside a process and between nodes.

use std::time::Duration;

use landfall_catalog::Topic;
use landfall_catalog::testing::{TestCatalog, for_each_catalog};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_wake_up_is_heard_here_at_once() {
    for_each_catalog(async |catalog| {
        let mut work = catalog.subscribe(Topic::Work);
        work.mark_unchanged();
        catalog.wake(Topic::Work);
        assert!(work.has_changed().unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_wake_up_reaches_the_other_node_and_a_cut_connection_does_not_end_that() {
    let place = TestCatalog::postgres().await;
    let (here, there) = (place.open().await.unwrap(), place.open().await.unwrap());
    for _ in 0..2 {
        // A fresh connection announces every topic once, so ask until one comes that follows our own wake-up.
        let mut heard = there.subscribe(Topic::Staged);
        let hear = async {
            loop {
                heard.mark_unchanged();
                here.wake(Topic::Staged);
                if tokio::time::timeout(Duration::from_millis(500), heard.changed()).await.is_ok() {
                    break;
                }
            }
        };
        tokio::time::timeout(PATIENCE, hear).await.unwrap();
        place.cut_connections().await;
    }
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn many_wake_ups_become_few_messages() {
    let place = TestCatalog::postgres().await;
    let (here, there) = (place.open().await.unwrap(), place.open().await.unwrap());
    let heard = there.subscribe(Topic::Staged);
    let last = there.subscribe(Topic::Loaded);
    let before = *heard.borrow();
    let loaded = *last.borrow();
    for _ in 0..2000 {
        here.wake(Topic::Staged);
    }
    here.wake(Topic::Loaded);
    let mut last = last;
    tokio::time::timeout(PATIENCE, last.wait_for(|count| *count > loaded)).await.unwrap().unwrap();
    let messages = *heard.borrow() - before;
    assert!((1..200).contains(&messages), "2,000 wake-ups became {messages} messages");
    here.close().await;
    there.close().await;
}
