//! What waits for a lane. Several threads may serve one queue. It needs no bound
//! of its own: everyone who puts something in awaits the answer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::submission::Submission;

/// How long an alert lane looks around before it sleeps. To wake it then costs the caller an interrupt to another core,
/// which on a virtual machine is as much as a tenth of a small commit.
const LOOK_AROUND: Duration = Duration::from_micros(100);

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Box<dyn Submission>>,
    /// Who wants the log emptied.
    scrub: Option<oneshot::Sender<bool>>,
    closed: bool,
}

/// What a lane finds when it asks.
pub(super) enum Taken {
    Work(Box<dyn Submission>),
    /// Somebody wants the log emptied, and to hear whether it was.
    Scrub(oneshot::Sender<bool>),
    /// Nothing came for as long as the lane was willing to wait.
    Idle,
    /// Closed, and everything that waited has been taken.
    Closed,
}

impl Queue {
    /// Puts `work` at the end, or gives it back if the queue is closed.
    pub(super) fn put(&self, work: Box<dyn Submission>) -> Result<(), Box<dyn Submission>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(work);
        }
        state.waiting.push_back(work);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for work, at most for `patience` if there is one.
    pub(super) fn take(&self, patience: Option<Duration>) -> Taken {
        let mut state = self.state.lock();
        loop {
            // Before the work, which on a busy lane never ends.
            if let Some(scrub) = state.scrub.take() {
                return Taken::Scrub(scrub);
            }
            if let Some(work) = state.waiting.pop_front() {
                return Taken::Work(work);
            }
            if state.closed {
                return Taken::Closed;
            }
            match patience {
                None => self.changed.wait(&mut state),
                Some(patience) => {
                    if self.changed.wait_for(&mut state, patience).timed_out() && state.waiting.is_empty() && !state.closed {
                        return Taken::Idle;
                    }
                }
            }
        }
    }

    /// The same, for a lane that is worth a core: it looks around for a moment before it sleeps, and gives way meanwhile to
    /// whoever has work on this core.
    pub(super) fn take_alert(&self, patience: Option<Duration>) -> Taken {
        let until = Instant::now() + LOOK_AROUND;
        while Instant::now() < until {
            let mut state = self.state.lock();
            if state.scrub.is_some() {
                break;
            }
            if let Some(work) = state.waiting.pop_front() {
                return Taken::Work(work);
            }
            drop(state);
            std::thread::yield_now();
        }
        self.take(patience)
    }

    /// What waits already, without waiting for it.
    pub(super) fn try_take(&self) -> Option<Box<dyn Submission>> {
        self.state.lock().waiting.pop_front()
    }

    /// Asks the lane to empty its log before its next work.
    pub(super) fn scrub(&self) -> oneshot::Receiver<bool> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.state.lock();
        // Who asked before hears that it was not done, and asks again.
        state.scrub = (!state.closed).then_some(reply);
        drop(state);
        self.changed.notify_one();
        answer
    }

    /// Takes nothing more in; what waits is still served.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }
}
