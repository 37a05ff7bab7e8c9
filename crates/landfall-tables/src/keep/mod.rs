//! Keeps a table while time goes by: takes out what is over, merges small
//! files, cuts the log off, and finds the files that nothing names any more.
//! It is the committer's other half: whatever it changes, it changes as the one
//! committer of the table, between two loads; what takes long is done before.

mod compact;
mod expire;
mod follow;
mod log;
mod small;
mod sweep;
mod unshare;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use landfall_model::{DatasetName, Result, Timestamp, limits};
use parking_lot::Mutex;

use crate::load::Committer;

/// The keeper of one dataset's table on one node.
pub struct Keeper {
    committer: Arc<Committer>,
    /// When all kept paths were last compared with the table, or this keeper was made.
    swept: Mutex<Timestamp>,
}

impl Keeper {
    pub fn new(committer: Arc<Committer>) -> Keeper {
        let swept = Mutex::new(committer.catalog().clock().now());
        Keeper { committer, swept }
    }

    pub fn dataset(&self) -> &DatasetName {
        self.committer.dataset()
    }

    /// Looks once for whatever there is to do, and does it. True: it did something, and there may be more.
    pub fn run_once(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async {
            let Some(record) = self.committer.look_up().await? else { return Ok(false) };
            let mut did = if record.beside.is_some() { self.follow().await? } else { self.expire(&record).await? };
            did |= self.compact().await?;
            did |= self.keep_log().await?;
            did |= self.sweep().await?;
            Ok(did)
        })
    }

    fn now(&self) -> Timestamp {
        self.committer.catalog().clock().now()
    }

    /// From when on nobody reads a file any more that leaves the table now.
    fn unread_from(&self) -> Timestamp {
        self.now().plus(READ_MAX)
    }
}

/// How long a query may read files that have left the table: it is cancelled then, and does not begin to end at once.
const READ_MAX: Duration = Duration::from_secs(limits::QUERY_TIMEOUT.as_secs() + 60);
