//! Whose turn it is: what waits in one dataset does not hold up another.

use std::time::Duration;

use landfall_catalog::Catalog;
use landfall_catalog::jobs::Slots;
use landfall_catalog::testing::for_each_place;
use landfall_model::{Clock, Dataset, Error, ErrorKind, JobId, LandingId, Priority, Timestamp};

use crate::support::*;

const SLOTS: usize = 3;

/// Runs `test` on both catalogs, by a clock that stands still.
async fn for_each_still(datasets: &[(&str, Priority, Option<&str>)], test: impl AsyncFn(Catalog)) {
    let declared: Vec<Dataset> = datasets
        .iter()
        .map(|(name, priority, sla)| Dataset {
            priority: *priority,
            sla: sla.map(|sla| sla.parse().unwrap()),
            ..Dataset::new(name.parse().unwrap())
        })
        .collect();
    for_each_place(async |place| {
        let clock = Clock::fixed(Timestamp(1_795_000_000_000_000), 7);
        let catalog = Catalog::open(&place.url(), clock).await.unwrap();
        catalog.declare(local(), declared.clone()).await.unwrap();
        test(catalog.clone()).await;
        catalog.close().await;
    })
    .await;
}

/// Makes `count` jobs of a dataset ready, as landing as many files would, and moves the clock by a millisecond.
async fn ready(catalog: &Catalog, dataset: &'static str, count: usize) {
    let (clock, now) = (catalog.clock().clone(), catalog.clock().now());
    let jobs = catalog.write(move |tx| {
        for _ in 0..count {
            let (job, landing) = (JobId::new(&clock), LandingId::new(&clock));
            let sql = "insert into jobs (id, kind, dataset, landing, state, run_at, created_at, updated_at) \
                       values ($1, 'stage', $2, $3, 'ready', $4, $4, $4)";
            tx.execute(sql, &[job.as_str().into(), dataset.into(), landing.as_str().into(), now.into()])?;
        }
        Ok(())
    });
    jobs.await.unwrap();
    catalog.clock().advance(Duration::from_millis(1));
}

/// The datasets whose jobs a node leases that has so many slots free, in order.
async fn names(catalog: &Catalog, free: usize) -> Vec<String> {
    let leases = catalog.lease_into("node", Slots { free, all: SLOTS }).await.unwrap();
    leases.iter().map(|lease| lease.dataset.to_string()).collect()
}

/// One job that `dataset` has leased is done.
async fn end_one(catalog: &Catalog, dataset: &'static str) {
    let ended = catalog.write(move |tx| {
        let sql = "update jobs set state = 'done', owner = null, lease_until = null \
                   where id = (select id from jobs where dataset = $1 and state = 'leased' order by id limit 1)";
        tx.execute(sql, &[dataset.into()])
    });
    assert_eq!(ended.await.unwrap(), 1, "nothing of {dataset} was leased");
}

async fn end_all(catalog: &Catalog) {
    let sql = "update jobs set state = 'done', owner = null, lease_until = null where state = 'leased'";
    catalog.write(move |tx| tx.execute(sql, &[])).await.unwrap();
}

#[tokio::test]
async fn a_backfill_of_thousands_delays_another_dataset_by_no_more_than_a_slot() {
    let datasets = [("history", Priority::Normal, None), ("live", Priority::Normal, None)];
    for_each_still(&datasets, async |catalog| {
        ready(&catalog, "history", 3_000).await;
        assert_eq!(names(&catalog, SLOTS).await, ["history", "history"], "one slot is for another dataset");
        assert_eq!(names(&catalog, 1).await, [""; 0]);
        ready(&catalog, "live", 1).await;
        assert_eq!(names(&catalog, 1).await, ["live"], "no slot had to end for it");
        end_one(&catalog, "live").await;

        // Where much waits in both, each second slot that ends is the other's.
        ready(&catalog, "live", 25).await;
        end_all(&catalog).await;
        for _ in 0..25 {
            let mut turns = Vec::new();
            for _ in 0..2 {
                turns.extend(names(&catalog, 1).await);
                end_all(&catalog).await;
            }
            turns.sort();
            assert_eq!(turns, ["history", "live"], "a job waited for two slots");
        }
    })
    .await;
}

#[tokio::test]
async fn the_higher_priority_goes_first_and_the_lowest_is_not_forgotten() {
    let datasets = [("a_low", Priority::Low, None), ("b_normal", Priority::Normal, None), ("c_high", Priority::High, None)];
    for_each_still(&datasets, async |catalog| {
        for dataset in ["a_low", "b_normal", "c_high"] {
            ready(&catalog, dataset, 2).await;
        }
        let mut order = Vec::new();
        for _ in 0..6 {
            order.extend(names(&catalog, 1).await);
            end_all(&catalog).await;
        }
        assert_eq!(order, ["c_high", "c_high", "b_normal", "b_normal", "a_low", "a_low"]);
    })
    .await;
}

#[tokio::test]
async fn all_of_a_low_priority_leave_a_slot_to_the_others() {
    let datasets = [("a_low", Priority::Low, None), ("b_low", Priority::Low, None), ("live", Priority::Normal, None)];
    for_each_still(&datasets, async |catalog| {
        ready(&catalog, "a_low", 10).await;
        ready(&catalog, "b_low", 10).await;
        assert_eq!(names(&catalog, SLOTS).await, ["a_low", "b_low"]);
        ready(&catalog, "live", 10).await;
        assert_eq!(names(&catalog, 1).await, ["live"]);
        // While others wait, nothing of a low priority begins.
        end_all(&catalog).await;
        assert_eq!(names(&catalog, SLOTS).await, ["live", "live", "a_low"]);
    })
    .await;
}

#[tokio::test]
async fn in_a_round_what_is_due_first_goes_first_and_each_has_one_turn() {
    let datasets = [("a", Priority::Normal, None), ("b", Priority::Normal, Some("1h")), ("c", Priority::Normal, Some("5s"))];
    for_each_still(&datasets, async |catalog| {
        for dataset in ["a", "b", "c"] {
            ready(&catalog, dataset, 3).await;
        }
        let mut order = Vec::new();
        for _ in 0..9 {
            order.extend(names(&catalog, 1).await);
            end_all(&catalog).await;
        }
        assert_eq!(order, ["c", "b", "a", "c", "b", "a", "c", "b", "a"]);
    })
    .await;
}

#[tokio::test]
async fn who_has_one_slot_uses_it_and_who_asks_for_many_is_given_what_there_is() {
    let datasets = [("history", Priority::Low, None), ("live", Priority::Normal, None)];
    for_each_still(&datasets, async |catalog| {
        ready(&catalog, "history", 5).await;
        let one = Slots { free: 1, all: 1 };
        assert_eq!(catalog.lease_into("small", one).await.unwrap().len(), 1);
        ready(&catalog, "live", 3).await;
        let all = catalog.lease_jobs("other", 100).await.unwrap();
        let names: Vec<_> = all.iter().map(|lease| lease.dataset.to_string()).collect();
        assert_eq!(names, ["live", "live", "live", "history", "history", "history", "history"]);
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_its_time_is_waited_for_and_what_waits_for_a_slot_is_not() {
    let datasets = [("history", Priority::Normal, None)];
    for_each_still(&datasets, async |catalog| {
        ready(&catalog, "history", 3).await;
        let leases = catalog.lease_into("node", Slots { free: 2, all: 2 }).await.unwrap();
        assert_eq!(leases.len(), 1);
        let now = catalog.clock().now();
        assert_eq!(catalog.next_job_at(now).await.unwrap(), None, "the others are ready and have no slot");
        let why = Error::new(ErrorKind::Unavailable, "down");
        assert!(catalog.retry_job(&leases[0], Duration::from_secs(9), &why).await.unwrap());
        assert_eq!(catalog.next_job_at(now).await.unwrap(), Some(now.plus(Duration::from_secs(9))));
    })
    .await;
}
