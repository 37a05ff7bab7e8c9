//! Many at once: they share commits, and each answers for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use landfall_catalog::testing::for_each_catalog;
use landfall_catalog::{Committed, Submission, Tx};
use landfall_model::{Error, ErrorKind, Result};
use tokio::sync::{mpsc, oneshot};

use crate::engine::{count, insert, make_table};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writes_all_land_and_failures_stay_alone() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        let before = catalog.statistics();
        let writes = (0..1000_i64).map(|id| {
            let catalog = catalog.clone();
            tokio::spawn(async move {
                let fails = id % 10 == 0;
                let done = catalog
                    .write(move |tx| {
                        insert(tx, id)?;
                        if fails { Err(Error::new(ErrorKind::BadRequest, "every tenth")) } else { Ok(id) }
                    })
                    .await;
                assert_eq!(done.ok(), (!fails).then_some(id));
            })
        });
        for write in writes.collect::<Vec<_>>() {
            write.await.unwrap();
        }
        assert_eq!(count(&catalog).await, 900);
        let (transactions, commits) = {
            let after = catalog.statistics();
            (after.transactions - before.transactions, after.commits - before.commits)
        };
        assert_eq!(transactions, 900);
        if !catalog.is_shared() {
            assert!(commits < 300, "900 transactions took {commits} commits");
        }
    })
    .await;
}

/// Inserts one row, and reports the outcome.
struct Insert {
    id: i64,
    runs: Arc<AtomicUsize>,
    outcome: mpsc::UnboundedSender<Committed>,
}

impl Submission for Insert {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        insert(tx, self.id).map(drop)
    }

    fn after(self: Box<Self>, outcome: Committed) {
        self.outcome.send(outcome).unwrap();
    }
}

#[tokio::test]
async fn each_submission_hears_its_own_outcome_once_and_after_the_commit() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        let (outcome, mut outcomes) = mpsc::unbounded_channel();
        let runs = Arc::new(AtomicUsize::new(0));
        for id in [1, 1, 2] {
            catalog.submit(Box::new(Insert { id, runs: Arc::clone(&runs), outcome: outcome.clone() }));
        }
        drop(outcome);
        let mut heard = Vec::new();
        while let Some(outcome) = outcomes.recv().await {
            heard.push(outcome);
        }
        assert_eq!(count(&catalog).await, 2);
        assert_eq!(heard.iter().filter(|outcome| matches!(outcome, Committed::Yes)).count(), 2);
        assert_eq!(heard.iter().filter(|outcome| matches!(outcome, Committed::No(why) if why.kind == ErrorKind::Conflict)).count(), 1);
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    })
    .await;
}

#[tokio::test]
async fn close_finishes_what_waits_and_refuses_what_comes_later() {
    for_each_catalog(async |catalog| {
        make_table(&catalog).await;
        let (started, wait) = oneshot::channel();
        let (go, held) = std::sync::mpsc::channel::<()>();
        let signals = std::sync::Mutex::new(Some((started, held)));
        let held = tokio::spawn({
            let catalog = catalog.clone();
            async move {
                catalog
                    .write(move |tx| {
                        if let Some((started, held)) = signals.lock().unwrap().take() {
                            started.send(()).unwrap();
                            held.recv().unwrap();
                        }
                        insert(tx, 1)
                    })
                    .await
            }
        });
        wait.await.unwrap();
        let closing = tokio::spawn({
            let catalog = catalog.clone();
            async move { catalog.close().await }
        });
        // The gate is shut before the lanes are done.
        while catalog.ping().await.is_ok() {
            tokio::task::yield_now().await;
        }
        let late = catalog.write(|tx| insert(tx, 2)).await.unwrap_err();
        assert_eq!(late.kind, ErrorKind::Draining);
        go.send(()).unwrap();
        assert_eq!(held.await.unwrap().unwrap(), 1);
        closing.await.unwrap();
    })
    .await;
}
