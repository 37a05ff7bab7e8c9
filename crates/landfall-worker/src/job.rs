//! The seam between the loop that leases and the work itself.

use futures::future::BoxFuture;
use landfall_catalog::jobs::Lease;
use landfall_model::Result;

/// One kind of job. Dropping the future must be harmless at any await: that is how a lost lease stops the work.
pub trait Job: Send + Sync {
    /// The word under which the catalog keeps jobs of this kind.
    fn kind(&self) -> &'static str;

    /// Does the work and records its outcome under the lease. An error that `is_passing` is tried again later; any other
    /// one makes the landing a dead letter.
    fn run<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>>;
}
