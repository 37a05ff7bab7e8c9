//! Receipts of `Idempotency-Key`s are forgotten after their 24 hours.

use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_model::Result;

use crate::task::{Status, Task};

/// Rows of one transaction, so that it never holds up the landings for long.
const AT_ONCE: usize = 1000;

pub struct ExpireReceipts(pub Catalog);

impl Task for ExpireReceipts {
    fn name(&self) -> String {
        "receipts".into()
    }

    fn every(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(async {
            let expired = self.0.expire_receipts(AT_ONCE).await?;
            Ok(if expired < AT_ONCE as u64 { Status::Idle } else { Status::More })
        })
    }
}
