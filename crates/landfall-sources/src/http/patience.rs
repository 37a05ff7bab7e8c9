//! A connection whose client must take its answer: what is written goes on, or
//! the connection ends. Nothing is counted while the client keeps up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use landfall_model::limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A stream with a patience that is used up while it waits for its client, and refilled by what the client takes.
pub struct Patient<S> {
    stream: S,
    /// The most that it waits.
    patience: Duration,
    /// What is left of it.
    left: Duration,
    waiting: Option<Waiting>,
}

struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    pub fn new(stream: S, patience: Duration) -> Patient<S> {
        Patient { stream, patience, left: patience, waiting: None }
    }

    /// What a write came to, once the patience was asked.
    fn judge(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                let waited = self.waiting.take().map_or(Duration::ZERO, |waiting| waiting.since.elapsed());
                self.left = refilled(self.left.saturating_sub(waited), bytes, self.patience);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let left = self.left;
                let waiting = self.waiting.get_or_insert_with(|| Waiting { since: Instant::now(), end: Box::pin(sleep(left)) });
                ready!(waiting.end.as_mut().poll(context));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client did not take its answer")))
            }
        }
    }
}

/// The patience that is left once the client has taken so many bytes.
fn refilled(left: Duration, bytes: usize, patience: Duration) -> Duration {
    if left == patience {
        return patience;
    }
    let earned = Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / limits::ANSWER_BYTES_PER_SECOND_MIN);
    patience.min(left.saturating_add(earned))
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context).map_ok(|()| 0);
        self.judge(context, flushed).map_ok(drop)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context).map_ok(|()| 0);
        self.judge(context, shut).map_ok(drop)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn a_client_that_takes_nothing_ends_the_write() {
        let (stream, client) = tokio::io::duplex(1 << 10);
        let refused = Patient::new(stream, PATIENCE).write_all(&[0; 1 << 12]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test]
    async fn a_client_that_takes_it_in_pieces_gets_it_all() {
        let (stream, mut client) = tokio::io::duplex(1 << 10);
        let mut stream = Patient::new(stream, Duration::from_secs(60));
        let written = tokio::spawn(async move { stream.write_all(&[7; 1 << 16]).await });
        let mut taken = Vec::new();
        while client.read_buf(&mut taken).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
        written.await.unwrap().unwrap();
        assert_eq!(taken, [7; 1 << 16]);
    }

    #[test]
    fn patience_comes_back_with_what_is_taken() {
        let seconds = Duration::from_secs;
        let rate = usize::try_from(limits::ANSWER_BYTES_PER_SECOND_MIN).unwrap();
        assert_eq!(refilled(seconds(60), 0, seconds(60)), seconds(60));
        assert_eq!(refilled(seconds(10), 5 * rate, seconds(60)), seconds(15));
        assert_eq!(refilled(seconds(10), 100 * rate, seconds(60)), seconds(60), "never more than there was");
        assert!(refilled(seconds(10), 1, seconds(60)) < seconds(11), "a byte does not buy a minute");
        assert_eq!(refilled(Duration::ZERO, usize::MAX, seconds(60)), seconds(60));
    }
}
