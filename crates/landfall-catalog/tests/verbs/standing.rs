//! Where landings stand: the list and the timeline say the same of each.

use landfall_catalog::Catalog;
use landfall_catalog::lists::Page;
use landfall_catalog::testing::for_each_catalog;
use landfall_model::AnyId;

use crate::support::*;

/// What the list says of every landing, the oldest first: its phase, and the load that brought it in.
async fn stand(catalog: &Catalog) -> Vec<(&'static str, Option<i64>)> {
    let page = Page { dataset: Some(orders()), after: None, limit: 100 };
    let mut records = catalog.list_landings(&page).await.unwrap();
    records.sort_by_key(|record| (record.landing.received_at, record.landing.first_seq));
    for record in &records {
        let timeline = catalog.timeline(AnyId::Landing(record.landing.id.clone())).await.unwrap();
        assert_eq!(timeline.landing, record.landing);
        let loaded = timeline.load.filter(|load| load.committed_at.is_some()).map(|load| load.number);
        assert_eq!(loaded, record.load, "{record:?}");
    }
    audit(catalog).await;
    records.iter().map(|record| (record.landing.phase.as_str(), record.load)).collect()
}

#[tokio::test]
async fn a_batch_stands_where_its_range_stands() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        let (first, second) = (land_events(&catalog, 3).await, land_events(&catalog, 2).await);
        land_events(&catalog, 1).await;
        assert_eq!(stand(&catalog).await, [("received", None), ("received", None), ("received", None)]);
        stage_range(&catalog, &sink, 1, 5, first.size + second.size, 0).await;
        let staged = [("staged", None), ("staged", None), ("received", None)];
        assert_eq!(stand(&catalog).await, staged);
        let open = number(&catalog, &sink).await.unwrap();
        assert_eq!(stand(&catalog).await, staged, "a load that is numbered is not done");
        catalog.finish_load(&sink, &open, 1).await.unwrap();
        assert_eq!(stand(&catalog).await, [("loaded", Some(1)), ("loaded", Some(1)), ("received", None)]);
        stage_range(&catalog, &sink, 6, 6, 2, 0).await;
        load(&catalog, &sink).await;
        assert_eq!(stand(&catalog).await, [("loaded", Some(1)), ("loaded", Some(1)), ("loaded", Some(2))]);
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_its_range_leaves_out_stands_for_itself() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        let (good, bad) = (land_events(&catalog, 3).await, land_events(&catalog, 2).await);
        stage_without(&catalog, &sink, &[&good, &bad], &bad).await;
        assert_eq!(stand(&catalog).await, [("staged", None), ("dead", None)]);
        load(&catalog, &sink).await;
        assert_eq!(stand(&catalog).await, [("loaded", Some(1)), ("dead", None)]);
        catalog.retry_dead_letter(&bad.id, catalog.clock()).await.unwrap();
        assert_eq!(stand(&catalog).await, [("loaded", Some(1)), ("staged", None)]);
        stage_batch(&catalog, &lease(&catalog).await).await;
        assert_eq!(stand(&catalog).await, [("loaded", Some(1)), ("staged", None)]);
        load(&catalog, &sink).await;
        assert_eq!(stand(&catalog).await, [("loaded", Some(1)), ("loaded", Some(2))]);
    })
    .await;
}

#[tokio::test]
async fn a_file_stands_where_its_row_says() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        put(&catalog, "a.csv", "1").await;
        stage(&catalog, &lease(&catalog).await, 5, 1).await;
        let open = number(&catalog, &sink).await.unwrap();
        assert_eq!(stand(&catalog).await, [("staged", None)], "a load that is numbered is not done");
        catalog.finish_load(&sink, &open, 1).await.unwrap();
        assert_eq!(stand(&catalog).await, [("loaded", Some(1))]);
        delete(&catalog, "a.csv").await;
        load(&catalog, &sink).await;
        assert_eq!(stand(&catalog).await, [("removed", Some(1))]);
    })
    .await;
}
