//! Files: versions under a key, and what the loads make of replacing and deleting.

use landfall_catalog::files::FileLanded;
use landfall_catalog::manifests::Recorded;
use landfall_catalog::testing::for_each_catalog;
use landfall_model::{Error, ErrorKind, Phase};

use crate::support::*;

#[tokio::test]
async fn the_same_content_lands_nothing_and_other_content_is_a_new_version() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let (first, _) = put(&catalog, "a.csv", "A").await;
        let (_, again) = put(&catalog, "a.csv", "A").await;
        assert!(matches!(again, FileLanded::Unchanged(landing) if landing.id == first));
        assert_eq!(put(&catalog, "a.csv", "B").await.1, FileLanded::New { generation: 2 });
        assert!(delete(&catalog, "a.csv").await);
        assert!(!delete(&catalog, "a.csv").await);
        assert_eq!(put(&catalog, "a.csv", "B").await.1, FileLanded::New { generation: 3 }, "a generation is never used twice");
        let audit = audit(&catalog).await;
        assert_eq!((audit.received.records, audit.removed.records, audit.in_flight.records), (3, 2, 1));
    })
    .await;
}

#[tokio::test]
async fn old_rows_leave_in_the_load_that_brings_in_the_new() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        put(&catalog, "a.csv", "A").await;
        stage(&catalog, &lease(&catalog).await, 10, 1).await;
        let first = load(&catalog, &sink).await;
        let (second, _) = put(&catalog, "a.csv", "B").await;
        assert!(number(&catalog, &sink).await.is_none(), "until the new version is staged, the old rows stay");
        stage(&catalog, &lease(&catalog).await, 7, 0).await;
        let swap = load(&catalog, &sink).await;
        assert_eq!(swap.number, 2);
        assert_eq!(gone(&swap), came(&first));
        let audit = audit(&catalog).await;
        assert_eq!((audit.loaded.records, audit.rejected.records, audit.removed.records, audit.rows), (7, 0, 10, 7));
        assert!(delete(&catalog, "a.csv").await);
        let gone = load(&catalog, &sink).await;
        assert_eq!((gone.manifests.len(), gone.removals.len()), (0, 1));
        assert_eq!(catalog.landing(&second).await.unwrap().unwrap().phase, Phase::Removed);
    })
    .await;
}

#[tokio::test]
async fn a_version_that_was_overtaken_never_loads() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        put(&catalog, "a.csv", "A").await;
        let slow = lease(&catalog).await;
        put(&catalog, "a.csv", "B").await;
        assert_eq!(stage(&catalog, &slow, 10, 0).await, Recorded::LeaseLost, "the end of a landing ends its job");
        let next = lease(&catalog).await;
        assert_eq!(stage(&catalog, &next, 3, 0).await, Recorded::Yes);
        put(&catalog, "a.csv", "A").await;
        assert!(number(&catalog, &sink).await.is_none(), "what was staged and replaced is dropped");
        stage(&catalog, &lease(&catalog).await, 10, 0).await;
        assert_eq!(load(&catalog, &sink).await.removals, []);
        let audit = audit(&catalog).await;
        assert_eq!((audit.loaded.records, audit.removed.records), (10, 4));
    })
    .await;
}

#[tokio::test]
async fn a_delete_during_an_open_load_is_the_next_load() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        put(&catalog, "a.csv", "A").await;
        stage(&catalog, &lease(&catalog).await, 4, 0).await;
        let open = number(&catalog, &sink).await.unwrap();
        assert!(delete(&catalog, "a.csv").await);
        assert_eq!(catalog.open_load(&orders()).await.unwrap().unwrap(), open, "a numbered load is frozen");
        catalog.finish_load(&sink, &open, 1).await.unwrap();
        assert_eq!(audit(&catalog).await.loaded.records, 4);
        assert_eq!(gone(&load(&catalog, &sink).await), came(&open));
        assert_eq!(audit(&catalog).await.removed.records, 4);
    })
    .await;
}

#[tokio::test]
async fn a_dead_replacement_leaves_the_old_rows_until_it_is_settled() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        let (first, _) = put(&catalog, "a.csv", "A").await;
        stage(&catalog, &lease(&catalog).await, 4, 0).await;
        load(&catalog, &sink).await;
        let (broken, _) = put(&catalog, "a.csv", "B").await;
        let why = Error::new(ErrorKind::BrokenContainer, "truncated");
        catalog.bury_job(&lease(&catalog).await, &why).await.unwrap();
        assert!(number(&catalog, &sink).await.is_none());
        let balance = audit(&catalog).await;
        assert_eq!((balance.loaded.records, balance.dead_lettered.records), (4, 1));
        catalog.drop_dead_letter(&broken).await.unwrap();
        let live = catalog.live_file(&orders(), &"a.csv".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(live.id, first, "what is in the table is live again");
        assert!(number(&catalog, &sink).await.is_none());
        assert!(delete(&catalog, "a.csv").await);
        assert_eq!(load(&catalog, &sink).await.removals.len(), 1);
        audit(&catalog).await;
    })
    .await;
}

#[tokio::test]
async fn live_files_are_listed_by_prefix_in_pages() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        for key in ["b/2", "a/1", "B/0", "b/1", "b_", "c"] {
            put(&catalog, key, key).await;
        }
        assert!(delete(&catalog, "b/1").await);
        let list = async |prefix: &str, after: &str, limit| {
            let page = catalog.live_files(&orders(), prefix, after, limit).await.unwrap();
            page.into_iter().map(|landing| landing.key.unwrap().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(list("", "", 100).await, ["B/0", "a/1", "b/2", "b_", "c"]);
        assert_eq!(list("b/", "", 100).await, ["b/2"]);
        assert_eq!(list("", "a/1", 2).await, ["b/2", "b_"]);
    })
    .await;
}
