//! Service levels: what took longer than the objective is said once, whatever it was.

use std::time::Duration;

use landfall_catalog::Catalog;
use landfall_catalog::lists::Page;
use landfall_catalog::replays::Unit;
use landfall_catalog::service::Breach;
use landfall_catalog::testing::for_each_place;
use landfall_model::{Clock, Dataset, Error, ErrorKind, Kind, Level, LoadId, Timestamp};

use crate::counters::Counted;
use crate::support::*;

/// Runs `test` on both catalogs, where `orders` has an objective of five seconds, by a clock that the test moves.
async fn for_each_served(test: impl AsyncFn(Catalog, Counted)) {
    for_each_place(async |place| {
        let catalog = Catalog::open(&place.url(), Clock::fixed(Timestamp(1_795_000_000_000_000), 7)).await.unwrap();
        let orders = Dataset { sla: Some("5s".parse().unwrap()), ..Dataset::new(orders()) };
        catalog.declare(local(), vec![orders]).await.unwrap();
        test(catalog.clone(), Counted::new()).await;
        catalog.close().await;
    })
    .await;
}

fn wait(catalog: &Catalog, seconds: u64) {
    catalog.clock().advance(Duration::from_secs(seconds));
}

/// What is said of `orders`, the oldest landing first.
async fn breaches(catalog: &Catalog) -> Vec<Breach> {
    let page = Page { dataset: Some(orders()), after: None, limit: 100 };
    let mut breaches = catalog.list_breaches(&page).await.unwrap();
    breaches.reverse();
    breaches
}

fn counted(counted: &Counted) -> Option<String> {
    counted.value("landfall_sla_breaches_total{dataset=\"orders\"}")
}

async fn bury(catalog: &Catalog) {
    let why = Error::new(ErrorKind::UnclosedQuote, "never closed");
    assert!(catalog.bury_job(&lease(catalog).await, &why).await.unwrap());
}

#[tokio::test]
async fn a_file_that_took_too_long_is_said_once() {
    for_each_served(async |catalog, counter| {
        let sink = sink(&catalog).await;
        put(&catalog, "a.csv", "1").await;
        stage(&catalog, &lease(&catalog).await, 10, 1).await;
        wait(&catalog, 5);
        load(&catalog, &sink).await;
        assert_eq!((breaches(&catalog).await, counted(&counter)), (Vec::new(), None), "five seconds are not more than five");

        let received_at = catalog.clock().now();
        let (late, _) = put(&catalog, "b.csv", "2").await;
        stage(&catalog, &lease(&catalog).await, 7, 0).await;
        wait(&catalog, 6);
        let done = load(&catalog, &sink).await;
        let said = breaches(&catalog).await;
        let [breach] = &said[..] else { panic!("{said:?}") };
        assert_eq!((&breach.landing, &breach.last, breach.kind, breach.landings, breach.records), (&late, &late, Kind::File, 1, 7));
        assert_eq!((breach.received_at, breach.processed_at), (received_at, catalog.clock().now()));
        assert_eq!((breach.objective.to_string(), breach.micros()), ("5s".to_owned(), 6_000_000));
        assert_eq!(catalog.finish_load(&sink, &done, 9).await.unwrap_err().kind, ErrorKind::Stale);
        assert_eq!((breaches(&catalog).await.len(), counted(&counter)), (1, Some("1".into())));
        let landing = catalog.landing(&late).await.unwrap().unwrap();
        assert_eq!(catalog.breach_of(&landing).await.unwrap().as_ref(), Some(breach));
        audit(&catalog).await;
    })
    .await;
}

#[tokio::test]
async fn events_that_took_too_long_are_one_row_for_each_run_of_batches() {
    for_each_served(async |catalog, counter| {
        let sink = sink(&catalog).await;
        let mut batches = Vec::new();
        for _ in 0..5 {
            batches.push(land_events(&catalog, 3).await);
            wait(&catalog, 1);
        }
        // The last was received four seconds ago when it loads.
        let in_time = land_events(&catalog, 2).await;
        wait(&catalog, 4);
        let all: Vec<_> = batches.iter().chain([&in_time]).collect();
        stage_without(&catalog, &sink, &all, &batches[2]).await;
        wait(&catalog, 1);
        load(&catalog, &sink).await;
        let mut said = breaches(&catalog).await;
        said.sort_by_key(|breach| breach.first_seq);
        let rows: Vec<_> = said.iter().map(|breach| (breach.first_seq, breach.last_seq, breach.landings, breach.records)).collect();
        assert_eq!(rows, [(1, 6, 2, 6), (7, 9, 1, 3), (10, 15, 2, 6)], "the dead letter in the middle stands for itself");
        assert_eq!((&said[0].landing, &said[0].last, said[0].received_at), (&batches[0].id, &batches[1].id, batches[0].received_at));
        assert_eq!(said[0].event(6).unwrap().to_string(), "orders.local.6");
        assert_eq!(counted(&counter), Some("5".into()), "landings are counted and not rows");
        let of = async |landing| catalog.breach_of(landing).await.unwrap().map(|breach| breach.first_seq);
        assert_eq!((of(&batches[1]).await, of(&batches[2]).await, of(&in_time).await), (Some(1), Some(7), None));
        audit(&catalog).await;
    })
    .await;
}

#[tokio::test]
async fn a_dead_letter_is_measured_and_is_said_once_when_it_is_tried_again() {
    for_each_served(async |catalog, counter| {
        let sink = sink(&catalog).await;
        put(&catalog, "quick.csv", "1").await;
        bury(&catalog).await;
        assert_eq!(breaches(&catalog).await, []);
        let (late, _) = put(&catalog, "late.csv", "12").await;
        wait(&catalog, 7);
        bury(&catalog).await;
        let said = breaches(&catalog).await;
        assert_eq!((said.len(), &said[0].landing, said[0].micros()), (1, &late, 7_000_000));
        catalog.retry_dead_letter(&late, catalog.clock()).await.unwrap();
        stage(&catalog, &lease(&catalog).await, 3, 0).await;
        wait(&catalog, 60);
        load(&catalog, &sink).await;
        assert_eq!((breaches(&catalog).await, counted(&counter)), (said, Some("1".into())));
        audit(&catalog).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_replayed_is_not_measured_again() {
    for_each_served(async |catalog, counter| {
        let sink = sink(&catalog).await;
        let from = catalog.clock().now();
        let events = land_events(&catalog, 3).await;
        stage_range(&catalog, &sink, 1, 3, events.size, 0).await;
        load(&catalog, &sink).await;
        wait(&catalog, 3_600);
        catalog.begin_replay(&orders(), from, catalog.clock().now(), "key:admin").await.unwrap();
        let replay = catalog.lease_replay(&orders(), "node").await.unwrap().unwrap();
        let Some(Unit::Range { first, last, .. }) = catalog.next_unit(&replay).await.unwrap() else { panic!("there is a range") };
        let manifest = range(&catalog, first, last, events.size, 0).await;
        assert!(catalog.record_replayed(&replay, &manifest, None).await.unwrap());
        assert_eq!(catalog.next_unit(&replay).await.unwrap(), None);
        let again = catalog.number_replay(&sink, LoadId::new(catalog.clock()), &replay).await.unwrap().unwrap();
        catalog.finish_load(&sink, &again, 2).await.unwrap();
        assert_eq!((breaches(&catalog).await, counted(&counter)), (Vec::new(), None));
        audit(&catalog).await;
    })
    .await;
}

#[tokio::test]
async fn the_oldest_are_trimmed_and_those_that_are_purged_leave() {
    for_each_served(async |catalog, _| {
        let sink = sink(&catalog).await;
        for key in ["a.csv", "b.csv", "c.csv"] {
            put(&catalog, key, key).await;
            stage(&catalog, &lease(&catalog).await, 1, 0).await;
            wait(&catalog, 1);
        }
        let events = land_events(&catalog, 2).await;
        stage_range(&catalog, &sink, 1, 2, events.size, 0).await;
        wait(&catalog, 10);
        load(&catalog, &sink).await;
        let all = breaches(&catalog).await;
        assert_eq!(all.len(), 4);
        assert_eq!(catalog.trim_breaches(&orders(), 4).await.unwrap(), 0);
        assert_eq!(catalog.trim_breaches(&orders(), 3).await.unwrap(), 1);
        assert_eq!(breaches(&catalog).await, all[1..]);
        assert_eq!(catalog.trim_breaches(&"other".parse().unwrap(), 0).await.unwrap(), 0);

        // What an expiry takes is not measured, and what it took is not spoken of.
        let cutoff = catalog.clock().now();
        while catalog.expire_landings(&orders(), cutoff, 100).await.unwrap() > 0 {}
        let expiry = catalog.number_expiry(&sink, LoadId::new(catalog.clock()), cutoff).await.unwrap().unwrap();
        wait(&catalog, 3_600);
        catalog.finish_load(&sink, &expiry, 2).await.unwrap();
        assert_eq!(breaches(&catalog).await, all[1..]);
        while catalog.purge(&orders(), 100).await.unwrap() > 0 {}
        assert_eq!(breaches(&catalog).await, []);
        audit(&catalog).await;
    })
    .await;
}

#[tokio::test]
async fn the_oldest_that_is_not_processed_predicts_the_breach() {
    for_each_served(async |catalog, _| {
        let sink = sink(&catalog).await;
        let level = async || {
            let services = catalog.services().await.unwrap();
            assert_eq!(services.len(), 1);
            let now = catalog.clock().now();
            (services[0].age(now) / 1_000_000, services[0].level(now))
        };
        assert_eq!(level().await, (0, Level::Met));
        let events = land_events(&catalog, 2).await;
        wait(&catalog, 1);
        put(&catalog, "a.csv", "1").await;
        wait(&catalog, 2);
        assert_eq!(level().await, (3, Level::AtRisk));
        assert_eq!(catalog.oldest_event(&orders()).await.unwrap(), Some(events.received_at));
        stage_range(&catalog, &sink, 1, 2, events.size, 0).await;
        assert_eq!(level().await, (3, Level::AtRisk), "staged is not processed");
        load(&catalog, &sink).await;
        assert_eq!((level().await, catalog.oldest_event(&orders()).await.unwrap()), ((2, Level::Met), None), "the file is left");
        wait(&catalog, 4);
        assert_eq!(level().await, (6, Level::Late));
        bury(&catalog).await;
        assert_eq!(level().await, (0, Level::Met));

        // An objective that is taken away is measured no more.
        catalog.declare(local(), vec![Dataset::new(orders())]).await.unwrap();
        put(&catalog, "b.csv", "1").await;
        wait(&catalog, 60);
        bury(&catalog).await;
        assert_eq!((catalog.services().await.unwrap(), breaches(&catalog).await.len()), (Vec::new(), 1));
    })
    .await;
}
