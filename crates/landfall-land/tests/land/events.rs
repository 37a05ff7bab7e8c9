//! Events: receipts, idempotency, groups.

use std::collections::BTreeSet;

use futures::future::join_all;
use landfall_access::Context;
use landfall_model::{BodyPlace, ErrorKind, Source};

use crate::support::*;

#[tokio::test]
async fn a_receipt_is_a_range_of_numbers() {
    on_each_catalog(async |open| {
        let first = open.send("{\"a\":1}\n{\"a\":2}", None).await.unwrap();
        let second = open.send("[{\"a\":3}]", None).await.unwrap();
        assert_eq!((range(&first), range(&second)), ((1, 2), (3, 3)));
        assert_eq!(first.first_id.to_string(), "orders.local.1");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_commit_together_and_share_no_number() {
    on_each_catalog(async |open| {
        let receipts = join_all((0..500).map(|_| open.send("{}\n{}", None))).await;
        let mut firsts = BTreeSet::new();
        for receipt in receipts {
            let (first, last) = range(&receipt.unwrap());
            assert_eq!(last, first + 1);
            assert!(firsts.insert(first));
        }
        assert_eq!(firsts.into_iter().collect::<Vec<_>>(), (0..500).map(|n| 2 * n + 1).collect::<Vec<_>>());
        let batches = open.catalog.events_above(&orders(), &"local".parse().unwrap(), 0, i64::MAX).await.unwrap();
        assert!(batches.len() < 500, "{} landings for 500 requests", batches.len());
        let lines: usize = batches.iter().map(|batch| batch.body.as_ref().unwrap().split(|byte| *byte == b'\n').count()).sum();
        assert_eq!(lines, 1000, "each event has a line of its own");
    })
    .await;
}

#[tokio::test]
async fn a_repeated_key_gives_the_first_receipt_again() {
    on_each_catalog(async |open| {
        let first = open.send("{\"a\":1}", Some("k")).await.unwrap();
        let again = open.send("{\"a\":1}", Some("k")).await.unwrap();
        assert_eq!((range(&again), again.repeated, first.repeated), (range(&first), true, false));
        let other = open.send("{\"a\":2}", Some("k")).await.unwrap_err();
        assert_eq!(other.kind, ErrorKind::IdempotencyMismatch);
        assert_eq!(range(&open.send("{\"a\":2}", Some("l")).await.unwrap()), (2, 2));
        let both = join_all([open.send("{}", Some("m")), open.send("{}", Some("m"))]).await;
        let both: Vec<_> = both.into_iter().map(Result::unwrap).collect();
        assert_eq!(range(&both[0]), range(&both[1]));
        assert_ne!(both[0].repeated, both[1].repeated);
    })
    .await;
}

#[tokio::test]
async fn a_body_is_taken_whole_or_not_at_all() {
    on_each_catalog(async |open| {
        let error = open.send("{\"a\":1}\n{\"a\":\n{\"a\":3}", None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Syntax);
        assert!(error.place.is_some(), "{error}");
        assert_eq!(open.send("  ", None).await.unwrap_err().kind, ErrorKind::BadRequest);
        let unknown = open.land.events(&admin(), &"nowhere".parse().unwrap(), "{}".into(), None).await.unwrap_err();
        assert_eq!(unknown.kind, ErrorKind::UnknownDataset);
        let nobody = Context::anonymous(Source::Http);
        let denied = open.land.events(&nobody, &orders(), "{}".into(), None).await.unwrap_err();
        assert_eq!(denied.kind, ErrorKind::Unauthenticated);
        assert_eq!(range(&open.send("{}", None).await.unwrap()), (1, 1), "nothing of these took a number");
    })
    .await;
}

#[tokio::test]
async fn a_large_group_goes_to_a_segment_and_reads_back() {
    on_each_catalog(async |open| {
        let body = vec![format!("{{\"text\":\"{}\"}}", "x".repeat(1000)); 300].join("\n");
        open.send(&body, None).await.unwrap();
        let batches = open.catalog.events_above(&orders(), &"local".parse().unwrap(), 0, i64::MAX).await.unwrap();
        let BodyPlace::Object { key, offset, length } = &batches[0].landing.body else { panic!("inline") };
        let stored = open.store.get_range(key, *offset..*offset + *length).await.unwrap();
        assert_eq!(stored, body.as_bytes());
    })
    .await;
}

#[tokio::test]
async fn a_node_that_stops_takes_nothing_more() {
    on_each_catalog(async |open| {
        open.land.close();
        assert_eq!(open.send("{}", None).await.unwrap_err().kind, ErrorKind::Draining);
        assert_eq!(open.put("a", vec![], None).await.unwrap_err().kind, ErrorKind::Draining);
    })
    .await;
}
