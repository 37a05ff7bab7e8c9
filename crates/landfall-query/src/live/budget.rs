//! The memory that decoded events of one node may hold, all datasets together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cloning shares it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    held: AtomicUsize,
    /// Bytes.
    max: usize,
}

/// A share of the budget, given back when dropped: also when a query is the last to hold the rows.
#[derive(Debug)]
pub struct Held {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub fn new(max: usize) -> Budget {
        Budget(Arc::new(Inner { held: AtomicUsize::new(0), max }))
    }

    /// `None` where that much is not left.
    pub fn take(&self, bytes: usize) -> Option<Held> {
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.0.max);
        self.0.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Held { budget: self.clone(), bytes })
    }

    /// True when less than a quarter is left.
    pub fn is_short(&self) -> bool {
        self.held() > self.0.max / 4 * 3
    }

    /// Bytes held now.
    pub fn held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.0.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_there_again() {
        let budget = Budget::new(10);
        let held = budget.take(7).unwrap();
        assert!(budget.take(4).is_none() && budget.take(3).is_some());
        assert_eq!(budget.held(), 7);
        drop(held);
        assert!(budget.take(10).is_some());
    }
}
