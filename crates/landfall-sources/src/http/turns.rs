//! Over HTTP/2 a client can hold back an answer without holding up the
//! connection: it gives the stream no window. So each answer notes since when it
//! is the client's turn, and a connection with one that waits too long ends.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// Bytes of an answer that are handed over at once: what a client without room makes us hold for each stream.
const PIECE_BYTES: usize = 64 << 10;

/// The answers of one connection. Cloning shares it.
#[derive(Clone, Default)]
pub struct Turns(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// Told of the first answer, before which there is nothing to watch.
    begun: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Since when it is the client's turn; an answer that we still make is not among them.
    waiting: HashMap<u64, Instant>,
}

impl Turns {
    /// The answer, which is the client's to ask for from now on.
    pub fn watch(&self, body: Body) -> Body {
        let mut state = self.0.state.lock();
        let id = state.next;
        state.next += 1;
        state.waiting.insert(id, Instant::now());
        drop(state);
        self.0.begun.notify_one();
        Body::new(Watched { body, rest: Bytes::new(), turns: self.clone(), id })
    }

    /// Returns once an answer has waited for its client for as long as `patience`.
    pub async fn lost(&self, patience: Duration) {
        self.0.begun.notified().await;
        loop {
            sleep(patience / 4).await;
            let state = self.0.state.lock();
            if state.waiting.values().any(|since| since.elapsed() >= patience) {
                return;
            }
        }
    }

    fn ours(&self, id: u64) {
        self.0.state.lock().waiting.remove(&id);
    }

    fn theirs(&self, id: u64) {
        self.0.state.lock().waiting.insert(id, Instant::now());
    }
}

/// A body that is asked for its next piece when the client has room for it.
struct Watched {
    body: Body,
    /// Of the last piece that the body gave.
    rest: Bytes,
    turns: Turns,
    id: u64,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        this.turns.ours(this.id);
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => this.rest = data,
                Some(Err(other)) => return Poll::Ready(Some(Ok(other))),
                None => return Poll::Ready(None),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        this.turns.theirs(this.id);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut whole = SizeHint::new();
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole.set_lower(hint.lower() + rest);
        whole
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.turns.ours(self.id);
    }
}
