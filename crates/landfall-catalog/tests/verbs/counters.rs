//! The counters of what became of records: each is counted where it happens, once that is committed.

use std::collections::BTreeMap;

use landfall_catalog::Catalog;
use landfall_catalog::testing::for_each_catalog;
use landfall_model::{Clock, Error, ErrorKind, Timestamp, limits};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::support::*;

/// Counts what this test's thread does, and nothing of the tests beside it.
pub struct Counted {
    handle: PrometheusHandle,
    _here: metrics::LocalRecorderGuard<'static>,
}

impl Counted {
    pub fn new() -> Counted {
        let recorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        Counted { handle: recorder.handle(), _here: metrics::set_default_local_recorder(recorder) }
    }

    /// Records and bytes by word; those of which there are none are left out.
    fn amounts(&self) -> BTreeMap<String, (i64, i64)> {
        let mut amounts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for line in self.handle.render().lines() {
            let Some((name, value)) =
                line.strip_prefix("landfall_").and_then(|line| line.split_once("{dataset=\"orders\",source=\"http\"} "))
            else {
                continue;
            };
            let value: i64 = value.parse().unwrap();
            match name.strip_suffix("_records_total") {
                Some(word) => amounts.entry(word.to_owned()).or_default().0 = value,
                None => amounts.entry(name.strip_suffix("_bytes_total").unwrap().to_owned()).or_default().1 = value,
            }
        }
        amounts.retain(|_, amount| *amount != (0, 0));
        amounts
    }

    pub fn value(&self, name: &str) -> Option<String> {
        let text = self.handle.render();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }
}

fn amounts<const N: usize>(of: [(&str, (i64, i64)); N]) -> BTreeMap<String, (i64, i64)> {
    of.into_iter().map(|(word, amount)| (word.to_owned(), amount)).collect()
}

async fn bury(catalog: &Catalog) {
    let why = Error::new(ErrorKind::UnclosedQuote, "never closed");
    assert!(catalog.bury_job(&lease(catalog).await, &why).await.unwrap());
}

#[tokio::test]
async fn what_becomes_of_files_is_counted_when_it_happens() {
    for_each_catalog(async |catalog| {
        let counted = Counted::new();
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        put(&catalog, "a.csv", "12345").await;
        stage(&catalog, &lease(&catalog).await, 10, 2).await;
        // The land counts a file as one; the rest is known now.
        assert_eq!(counted.amounts(), amounts([("received", (9, 0))]));
        load(&catalog, &sink).await;
        let loaded = amounts([("received", (9, 0)), ("loaded", (8, 3)), ("rejected", (2, 2))]);
        assert_eq!(counted.amounts(), loaded);

        put(&catalog, "b.csv", "123").await;
        bury(&catalog).await;
        assert_eq!(counted.amounts()["dead_lettered"], (1, 3));
        let (letter, _) = put(&catalog, "b.csv", "1234").await;
        assert_eq!(counted.amounts()["removed"], (1, 3), "a dead letter was replaced");
        bury(&catalog).await;
        catalog.drop_dead_letter(&letter).await.unwrap();
        assert_eq!((counted.amounts()["dead_lettered"], counted.amounts()["discarded"]), ((2, 7), (1, 4)));

        delete(&catalog, "a.csv").await;
        assert_eq!(counted.amounts()["removed"], (1, 3), "the rows are still in the table");
        load(&catalog, &sink).await;
        assert_eq!(counted.amounts()["removed"], (11, 8));
        put(&catalog, "c.csv", "1").await;
        delete(&catalog, "c.csv").await;
        assert_eq!(counted.amounts()["removed"], (12, 9), "it was not even decoded");
        let audit = audit(&catalog).await;
        assert_eq!((audit.removed.records, audit.removed.bytes, audit.discarded.bytes), (12, 9, 4));
        assert_eq!(counted.value("landfall_processed_seconds_count{dataset=\"orders\"}"), Some("3".into()));
    })
    .await;
}

#[tokio::test]
async fn what_becomes_of_events_is_counted_when_it_happens() {
    for_each_catalog(async |catalog| {
        let counted = Counted::new();
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        let (good, bad) = (land_events(&catalog, 3).await, land_events(&catalog, 2).await);
        stage_without(&catalog, &sink, &[&good, &bad], &bad).await;
        assert_eq!(counted.amounts(), amounts([("dead_lettered", (2, bad.size))]));
        load(&catalog, &sink).await;
        assert_eq!(counted.amounts()["loaded"], (3, good.size));
        catalog.retry_dead_letter(&bad.id, catalog.clock()).await.unwrap();
        stage_batch(&catalog, &lease(&catalog).await).await;
        load(&catalog, &sink).await;
        assert_eq!(counted.amounts()["loaded"], (5, good.size + bad.size));
        let more = land_events(&catalog, 4).await;
        stage_range(&catalog, &sink, more.first_seq, more.last_seq(), more.size, 1).await;
        load(&catalog, &sink).await;
        assert_eq!(
            counted.amounts(),
            amounts([("dead_lettered", (2, bad.size)), ("loaded", (8, good.size + bad.size + more.size - 2)), ("rejected", (1, 2)),])
        );
        // Two batches by range, one dead letter, and that one once more when it had loaded.
        assert_eq!(counted.value("landfall_processed_seconds_count{dataset=\"orders\"}"), Some("4".into()));
        audit(&catalog).await;
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_expires_is_counted_and_one_given_back_is_not() {
    let counted = Counted::new();
    let clock = Clock::fixed(Timestamp(1_000_000), 7);
    let place = landfall_catalog::testing::TestCatalog::sqlite();
    let catalog = Catalog::open(&place.url(), clock.clone()).await.unwrap();
    declared(&catalog).await;
    catalog.release_sink(&sink(&catalog).await).await.unwrap();
    sink(&catalog).await;
    put(&catalog, "a.csv", "1").await;
    lease(&catalog).await;
    assert_eq!((catalog.rescue_jobs().await.unwrap(), counted.value("landfall_lease_expired_total")), (0, None));
    clock.advance(limits::LEASE);
    assert_eq!(catalog.rescue_jobs().await.unwrap(), 1);
    assert_eq!(counted.value("landfall_lease_expired_total"), Some("1".into()));
    sink(&catalog).await;
    assert_eq!(counted.value("landfall_lease_expired_total"), Some("2".into()));
    catalog.close().await;
}

#[tokio::test]
async fn what_is_in_flight_says_since_when() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        let in_flight = async || catalog.in_flight().await.unwrap()[&orders()];
        assert_eq!(in_flight().await, Default::default());
        let first = land_events(&catalog, 3).await;
        put(&catalog, "a.csv", "1").await;
        let now = in_flight().await;
        assert_eq!((now.records, now.events, now.oldest), (4, 3, Some(first.received_at)));
        stage_range(&catalog, &sink, 1, 3, first.size, 0).await;
        load(&catalog, &sink).await;
        let now = in_flight().await;
        assert_eq!((now.records, now.events), (1, 0));
        assert!(now.oldest > Some(first.received_at));
    })
    .await;
}
