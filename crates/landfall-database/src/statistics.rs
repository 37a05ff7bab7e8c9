//! What the engine counts about itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Since the catalog was opened, in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Pieces of work that committed.
    pub transactions: u64,
    /// Commits that carried them: fewer, where several shared one.
    pub commits: u64,
    /// Transactions that were run again because the database asked for it.
    pub retries: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    transactions: AtomicU64,
    commits: AtomicU64,
    retries: AtomicU64,
}

impl Counters {
    /// One commit of `transactions` pieces of work.
    pub(super) fn committed(&self, transactions: usize) {
        self.transactions.fetch_add(transactions as u64, Ordering::Relaxed);
        self.commits.fetch_add(u64::from(transactions > 0), Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Statistics {
        Statistics {
            transactions: self.transactions.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
        }
    }
}
