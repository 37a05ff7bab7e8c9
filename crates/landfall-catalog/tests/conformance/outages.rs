//! The database goes away, or gives a transaction up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use landfall_catalog::testing::TestCatalog;
use landfall_model::ErrorKind;

use crate::engine::{count, insert, make_table};

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_passes() {
    let place = TestCatalog::sqlite();
    let catalog = place.open().await.unwrap();
    make_table(&catalog).await;
    catalog
        .write(|tx| {
            let pages = tx.query("pragma page_count", &[])?[0].int(0)?;
            tx.query(&format!("pragma max_page_count = {}", pages + 8), &[])
        })
        .await
        .unwrap();
    let large = |id: i64| {
        catalog.write(move |tx| {
            insert(tx, id)?;
            tx.execute("update things set body = zeroblob(1000000) where id = $1", &[id.into()])
        })
    };
    let small = |id: i64| catalog.write(move |tx| insert(tx, id));
    let (first, refused, last) = tokio::join!(small(1), large(2), small(3));
    assert_eq!(refused.unwrap_err().kind, ErrorKind::StorageFull);
    let kept = [first, last].iter().filter(|done| done.is_ok()).count();
    assert_eq!(count(&catalog).await, i64::try_from(kept).unwrap(), "acknowledged if and only if it is there");
    catalog.write(|tx| tx.query("pragma max_page_count = 1000000", &[]).map(drop)).await.unwrap();
    large(2).await.unwrap();
    catalog.close().await;
}

#[tokio::test]
async fn connections_that_were_cut_are_made_again() {
    let place = TestCatalog::postgres().await;
    let catalog = place.open().await.unwrap();
    make_table(&catalog).await;
    for round in 0..3 {
        place.cut_connections().await;
        catalog.write(move |tx| insert(tx, round)).await.unwrap();
        assert_eq!(count(&catalog).await, round + 1);
    }
    catalog.close().await;
}

#[tokio::test]
async fn a_connection_cut_inside_a_transaction_runs_it_again() {
    let place = Arc::new(TestCatalog::postgres().await);
    let catalog = place.open().await.unwrap();
    make_table(&catalog).await;
    let (runs, inside, cut) = (Arc::new(AtomicUsize::new(0)), tokio::runtime::Handle::current(), Arc::clone(&place));
    let counted = Arc::clone(&runs);
    let done = catalog
        .write(move |tx| {
            insert(tx, 1)?;
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                inside.block_on(cut.cut_connections());
            }
            insert(tx, 2)
        })
        .await;
    done.unwrap();
    assert_eq!((runs.load(Ordering::SeqCst), count(&catalog).await), (2, 2));
    assert_eq!(catalog.statistics().retries, 1);
    catalog.close().await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_said_to_be_unknown_and_not_repeated() {
    let place = Arc::new(TestCatalog::postgres().await);
    let catalog = place.open().await.unwrap();
    make_table(&catalog).await;
    // A deferred trigger runs inside the commit, and there it ends its own connection.
    catalog
        .write(|tx| {
            tx.execute(
                "create function die() returns trigger language plpgsql as \
                 $$ begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(10); return null; end $$",
                &[],
            )?;
            tx.execute(
                "create constraint trigger die after insert on things deferrable initially deferred for each row execute function die()",
                &[],
            )
        })
        .await
        .unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let lost = catalog
        .write(move |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            insert(tx, 1)
        })
        .await
        .unwrap_err();
    assert_eq!((lost.kind, runs.load(Ordering::SeqCst)), (ErrorKind::Unavailable, 1));
    assert!(lost.message.contains("outcome is unknown"), "{lost}");
    catalog.ping().await.unwrap();
    catalog.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_that_deadlock_both_get_through() {
    let place = TestCatalog::postgres().await;
    let catalog = place.open().await.unwrap();
    make_table(&catalog).await;
    catalog.write(|tx| insert(tx, 1).and_then(|_| insert(tx, 2))).await.unwrap();
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let both = [(1, 2), (2, 1)].map(|(first, second)| {
        let (catalog, barrier, tries) = (catalog.clone(), Arc::clone(&barrier), AtomicUsize::new(0));
        tokio::spawn(async move {
            catalog
                .write(move |tx| {
                    let sql = "update things set name = 'mine' where id = $1";
                    tx.execute(sql, &[first.into()])?;
                    if tries.fetch_add(1, Ordering::SeqCst) == 0 {
                        barrier.wait();
                    }
                    tx.execute(sql, &[second.into()])
                })
                .await
        })
    });
    for one in both {
        one.await.unwrap().unwrap();
    }
    assert!(catalog.statistics().retries >= 1);
    catalog.close().await;
}
