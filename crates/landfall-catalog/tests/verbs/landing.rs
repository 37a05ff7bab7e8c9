//! Landing events: numbers without gaps, receipts that are remembered.

use landfall_catalog::events::{Remembered, remember, remembered};
use landfall_catalog::testing::for_each_catalog;
use landfall_model::ErrorKind;

use crate::support::*;

#[tokio::test]
async fn numbers_are_given_in_order_and_without_gaps() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let firsts =
            [land_events(&catalog, 3).await.first_seq, land_events(&catalog, 1).await.first_seq, land_events(&catalog, 2).await.first_seq];
        assert_eq!(firsts, [1, 4, 5]);
        assert_eq!(catalog.regions(&orders()).await.unwrap(), [(local(), 6)]);
        let audit = audit(&catalog).await;
        assert_eq!((audit.received.records, audit.in_flight.records), (6, 6));
    })
    .await;
}

#[tokio::test]
async fn events_above_a_number_come_in_order_with_their_bodies() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        for _ in 0..5 {
            land_events(&catalog, 2).await;
        }
        let above = catalog.events_above(&orders(), &local(), 4, i64::MAX).await.unwrap();
        let firsts: Vec<_> = above.iter().map(|batch| (batch.landing.first_seq, batch.body.clone().unwrap())).collect();
        assert_eq!(firsts, [(5, "{}\n{}".into()), (7, "{}\n{}".into()), (9, "{}\n{}".into())]);
        let page = catalog.events_above(&orders(), &local(), 0, 1).await.unwrap();
        assert_eq!(page.len(), 1, "a page holds one batch at the least");
        assert_eq!(catalog.batch_of(&orders(), &local(), 6).await.unwrap().unwrap().first_seq, 5);
        assert_eq!(catalog.batch_of(&orders(), &local(), 11).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_receipt_is_remembered_for_a_day_and_given_once() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let now = catalog.clock().now();
        let receipt = Remembered { digest: "d".into(), region: local(), first_seq: 7, records: 2 };
        let given = receipt.clone();
        catalog.write(move |tx| remember(tx, "key:a", &orders(), "k", &given, now)).await.unwrap();
        let later = now.plus(std::time::Duration::from_secs(24 * 3600 - 1));
        let asked = catalog
            .read(move |tx| Ok((remembered(tx, "key:a", &orders(), "k", later)?, remembered(tx, "key:b", &orders(), "k", later)?)))
            .await;
        assert_eq!(asked.unwrap(), (Some(receipt.clone()), None));
        let given = receipt.clone();
        let again = catalog.write(move |tx| remember(tx, "key:a", &orders(), "k", &given, later)).await;
        assert_eq!(again.unwrap_err().kind, ErrorKind::Unavailable);
        let over = now.plus(std::time::Duration::from_secs(24 * 3600));
        assert_eq!(catalog.read(move |tx| remembered(tx, "key:a", &orders(), "k", over)).await.unwrap(), None);
        catalog.write(move |tx| remember(tx, "key:a", &orders(), "k", &receipt, over)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn columns_are_decided_once() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let column = |name: &str, kind: &str| landfall_model::Column::new(name, kind.parse().unwrap());
        let first = catalog.extend_columns(&orders(), 0, vec![column("a", "bigint")]).await.unwrap();
        let second = catalog.extend_columns(&orders(), 0, vec![column("a", "text"), column("b", "text")]).await.unwrap();
        assert_eq!(first, second, "whoever comes second sees what the first decided");
        let third = catalog.extend_columns(&orders(), first.version, vec![column("a", "text"), column("b", "text")]).await.unwrap();
        assert_eq!(third.list, [column("a", "bigint"), column("b", "text")]);
    })
    .await;
}
