//! Jobs: one holder at a time, and whoever lost the lease changes nothing.

use std::time::Duration;

use landfall_catalog::manifests::Recorded;
use landfall_catalog::testing::for_each_catalog;
use landfall_model::{Error, ErrorKind, Phase};

use crate::support::*;

#[tokio::test]
async fn a_job_has_one_holder() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        put(&catalog, "a.csv", "1").await;
        let held = lease(&catalog).await;
        assert!(catalog.lease_jobs("other", 10).await.unwrap().is_empty());
        assert!(catalog.heartbeat(&held).await.unwrap());
        assert!(catalog.hand_back(&held).await.unwrap());
        let again = lease(&catalog).await;
        assert_eq!((again.epoch, again.attempt), (held.epoch + 1, 1), "an attempt that was handed back does not count");
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_comes_back_from_the_dead_changes_nothing() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let (landing, _) = put(&catalog, "a.csv", "1").await;
        let dead = lease(&catalog).await;
        catalog.abandon_leases().await.unwrap();
        let alive = lease(&catalog).await;
        let why = Error::new(ErrorKind::BadRecord, "no");
        assert!(!catalog.heartbeat(&dead).await.unwrap());
        assert!(!catalog.retry_job(&dead, Duration::ZERO, &why).await.unwrap());
        assert!(!catalog.hand_back(&dead).await.unwrap());
        assert!(!catalog.bury_job(&dead, &why).await.unwrap());
        assert_eq!(stage(&catalog, &dead, 9, 0).await, Recorded::LeaseLost);
        assert_eq!(catalog.landing(&landing).await.unwrap().unwrap().phase, Phase::Received);
        assert_eq!(stage(&catalog, &alive, 5, 1).await, Recorded::Yes);
        assert_eq!(stage(&catalog, &alive, 5, 1).await, Recorded::LeaseLost, "a job ends once");
        assert_eq!(audit(&catalog).await.in_flight.records, 5);
    })
    .await;
}

#[tokio::test]
async fn a_retry_waits_for_its_time() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        put(&catalog, "a.csv", "1").await;
        let held = lease(&catalog).await;
        let why = Error::new(ErrorKind::Unavailable, "the disk");
        assert!(catalog.retry_job(&held, Duration::from_secs(3600), &why).await.unwrap());
        assert!(catalog.lease_jobs("worker", 1).await.unwrap().is_empty());
        assert!(catalog.next_job_at(catalog.clock().now()).await.unwrap().unwrap() > catalog.clock().now());
    })
    .await;
}

#[tokio::test]
async fn a_dead_letter_is_tried_again_or_dropped() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let (landing, _) = put(&catalog, "a.csv", "12345").await;
        let why = Error::new(ErrorKind::UnclosedQuote, "never closed").at(3, 17);
        assert!(catalog.bury_job(&lease(&catalog).await, &why).await.unwrap());
        let letter = catalog.dead_letter(&landing).await.unwrap().unwrap();
        assert_eq!((letter.code.as_str(), letter.line, letter.byte_offset), ("unclosed_quote", Some(3), Some(17)));
        assert_eq!(audit(&catalog).await.dead_lettered.bytes, 5);

        catalog.retry_dead_letter(&landing, catalog.clock()).await.unwrap();
        assert_eq!(audit(&catalog).await.in_flight.bytes, 5);
        assert!(catalog.bury_job(&lease(&catalog).await, &why).await.unwrap());
        catalog.drop_dead_letter(&landing).await.unwrap();
        assert_eq!(audit(&catalog).await.discarded.bytes, 5);
        assert_eq!(catalog.live_file(&orders(), &"a.csv".parse().unwrap()).await.unwrap(), None);
        let again = catalog.retry_dead_letter(&landing, catalog.clock()).await;
        assert_eq!(again.unwrap_err().kind, ErrorKind::Conflict);
    })
    .await;
}
