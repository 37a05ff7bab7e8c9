//! Work that a lane runs in a transaction, and how it hears what became of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use landfall_model::{Error, ErrorKind, Result};
use tokio::sync::oneshot;

use super::tx::Tx;

/// What became of a transaction.
#[derive(Clone, Debug)]
pub enum Committed {
    /// It is durable.
    Yes,
    /// Nothing of it was kept.
    No(Error),
    /// The commit was sent and its answer was lost: look it up, never repeat it blindly.
    Unknown(Error),
}

/// One transaction's work on a write lane.
pub trait Submission: Send {
    /// Runs in a transaction. May be called again in a fresh one if the database gave the first up, so what was
    /// taken from elsewhere must be kept until `after`.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()>;

    /// Hears the outcome, once, on the lane's thread: it must not block. If the submission is dropped without this
    /// call, nothing of it was kept.
    fn after(self: Box<Self>, outcome: Committed);
}

/// A closure and the caller who awaits its value.
pub(super) struct Answer<T, F> {
    work: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Answer<T, F> {
    pub(super) fn new(work: F) -> (Answer<T, F>, oneshot::Receiver<Result<T>>) {
        let (reply, answer) = oneshot::channel();
        (Answer { work, value: None, reply }, answer)
    }
}

impl<T: Send, F: Fn(&mut Tx<'_>) -> Result<T> + Send> Submission for Answer<T, F> {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        self.value = Some((self.work)(tx)?);
        Ok(())
    }

    fn after(self: Box<Self>, outcome: Committed) {
        let answer = match outcome {
            Committed::Yes => self.value.ok_or_else(|| Error::internal("the catalog", "a transaction committed without having run")),
            Committed::No(error) => Err(error),
            Committed::Unknown(error) => Err(error.while_("the catalog's answer to a commit was lost, so its outcome is unknown")),
        };
        // A caller that has gone away no longer wants the answer.
        let _ = self.reply.send(answer);
    }
}

/// Runs `submission`; a panic in it is its own error and not the end of the lane.
pub(super) fn run(submission: &mut dyn Submission, tx: &mut Tx<'_>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| submission.run(tx)))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a catalog transaction panicked; the log has the place")))
}

/// Tells `submission` its outcome; a panic in it is not the end of the lane.
pub(super) fn tell(submission: Box<dyn Submission>, outcome: Committed) {
    if catch_unwind(AssertUnwindSafe(|| submission.after(outcome))).is_err() {
        tracing::error!("what followed a catalog transaction panicked");
    }
}
