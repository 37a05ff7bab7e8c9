//! A query under way: within its time, one of so many, cancelled when nobody reads it.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::Stream;
use landfall_model::{Error, ErrorKind, Result};
use landfall_sql::failure;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

/// The rows of one query. Dropping it ends the query and gives its place to the next.
pub struct Run {
    rows: SendableRecordBatchStream,
    first: Option<RecordBatch>,
    ends: Pin<Box<Sleep>>,
    within: Duration,
    done: bool,
    _place: OwnedSemaphorePermit,
}

impl Run {
    pub fn new(
        rows: SendableRecordBatchStream,
        first: Option<RecordBatch>,
        started: Instant,
        within: Duration,
        place: OwnedSemaphorePermit,
    ) -> Run {
        let ends = Box::pin(tokio::time::sleep_until(started + within));
        Run { rows, first, ends, within, done: false, _place: place }
    }
}

/// The error of a query that ran for longer than `within`.
pub fn too_long(within: Duration) -> Error {
    let message = format!("the query was cancelled: it ran for {} s, and no query runs longer; ask for less at once", within.as_secs());
    Error::new(ErrorKind::QueryTimeout, message)
}

impl Stream for Run {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        if self.done {
            return Poll::Ready(None);
        }
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.ends.as_mut().poll(task).is_ready() {
            self.done = true;
            return Poll::Ready(Some(Err(too_long(self.within))));
        }
        let next = ready!(Pin::new(&mut self.rows).poll_next(task));
        self.done = !matches!(next, Some(Ok(_)));
        Poll::Ready(next.map(|batch| batch.map_err(failure)))
    }
}
