//! Turns for what nobody waits for. Merging files and replaying each keep a core
//! busy for as long as they last; together they would take all that a small
//! machine has, and every answer would queue behind them.

use landfall_model::{Error, Result};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Half of the cores, at least one.
pub(super) struct Spare(Semaphore);

impl Default for Spare {
    fn default() -> Spare {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Spare(Semaphore::new((cores / 2).max(1)))
    }
}

impl Spare {
    /// A core to work on until it is dropped, in the order of asking. Whoever has one asks for no other.
    pub(super) async fn core(&self) -> Result<SemaphorePermit<'_>> {
        self.0.acquire().await.map_err(|why| Error::internal("waiting for a core", why))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn half_of_the_cores_are_had_at_a_time() {
        let (spare, cores) = (Spare::default(), std::thread::available_parallelism().unwrap().get());
        let mut had = Vec::new();
        while let Some(core) = spare.core().now_or_never() {
            had.push(core.unwrap());
        }
        assert_eq!(had.len(), (cores / 2).max(1));
        had.pop();
        assert!(spare.core().now_or_never().is_some());
    }
}
