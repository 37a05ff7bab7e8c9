//! Reading a body from a client that may be slow, wrong about its length, or
//! gone: with a limit on bytes, on silence and on slowness. Memory holds one
//! frame at a time, or for [`read_all`] at most its limit.

use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use landfall_model::{Error, ErrorKind, Result, limits};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::budget::{Budget, Reservation};

/// What a body is held to.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes.
    pub size_max: u64,
    /// The longest silence; also the grace before the rate is asked for.
    pub idle: Duration,
    /// Bytes a second, on average since the body's start.
    pub rate_min: u64,
}

impl BodyLimits {
    pub fn up_to(size_max: u64) -> BodyLimits {
        BodyLimits { size_max, idle: limits::BODY_IDLE_TIMEOUT, rate_min: limits::BODY_BYTES_PER_SECOND_MIN }
    }
}

/// `Content-Length`, if it is there.
pub fn declared_length(headers: &HeaderMap) -> Result<Option<u64>> {
    let Some(value) = headers.get(CONTENT_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    length.map(Some).ok_or_else(|| Error::new(ErrorKind::BadRequest, "`Content-Length` is not a number of bytes"))
}

/// The frames of a body, each within the limits; ends after its first error.
pub struct BodyReader {
    frames: BodyDataStream,
    limits: BodyLimits,
    declared: Option<u64>,
    start: Instant,
    received: u64,
    /// Only while the client is waited for.
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl BodyReader {
    /// Refuses at once what is declared to be too large.
    pub fn new(body: Body, declared: Option<u64>, limits: BodyLimits) -> Result<BodyReader> {
        if let Some(length) = declared.filter(|length| *length > limits.size_max) {
            return Err(too_large(length, limits.size_max));
        }
        let frames = body.into_data_stream();
        Ok(BodyReader { frames, limits, declared, start: Instant::now(), received: 0, deadline: None, ended: false })
    }

    fn take(&mut self, frame: Option<Result<Bytes, axum::Error>>) -> Option<Result<Bytes>> {
        self.deadline = None;
        match frame {
            Some(Ok(bytes)) => {
                self.received += bytes.len() as u64;
                let fits = self.received <= self.limits.size_max;
                Some(if fits { Ok(bytes) } else { Err(too_large(self.received, self.limits.size_max)) })
            }
            Some(Err(error)) => Some(Err(self.broken(error))),
            None => self.declared.filter(|length| *length != self.received).map(|length| Err(self.mismatch(length))),
        }
    }

    fn broken(&self, error: axum::Error) -> Error {
        match self.declared {
            Some(length) if self.received < length => self.mismatch(length),
            _ => {
                let message = format!("the body broke off after {} bytes: {}; nothing landed, send it again", self.received, chain(&error));
                Error::new(ErrorKind::LengthMismatch, message)
            }
        }
    }

    fn mismatch(&self, declared: u64) -> Error {
        let message = format!("`Content-Length` declares {declared} bytes and {} came; nothing landed, send it again", self.received);
        Error::new(ErrorKind::LengthMismatch, message)
    }

    /// When the client has been silent, or slow, for too long.
    fn patience_ends(&self) -> Instant {
        let now = Instant::now();
        let paid = Duration::from_secs(self.received / self.limits.rate_min.max(1));
        (now + self.limits.idle).min(self.start + paid.max(self.limits.idle))
    }

    fn timed_out(&self) -> Error {
        let message = format!(
            "the body came too slowly: {} bytes in {:.1} s; at most {} s may pass without any, and then {} bytes a second are asked for on average; nothing landed",
            self.received,
            self.start.elapsed().as_secs_f64(),
            self.limits.idle.as_secs_f64(),
            self.limits.rate_min,
        );
        Error::new(ErrorKind::BodyTimeout, message)
    }
}

impl Stream for BodyReader {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Bytes>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let item = match this.frames.poll_next_unpin(task) {
            Poll::Ready(frame) => this.take(frame),
            Poll::Pending => {
                let patience_ends = this.patience_ends();
                let deadline = this.deadline.get_or_insert_with(|| Box::pin(sleep_until(patience_ends)));
                if deadline.as_mut().poll(task).is_pending() {
                    return Poll::Pending;
                }
                Some(Err(this.timed_out()))
            }
        };
        this.ended = !matches!(item, Some(Ok(_)));
        Poll::Ready(item)
    }
}

fn too_large(size: u64, max: u64) -> Error {
    Error::new(ErrorKind::BodyTooLarge, format!("the body has {size} bytes or more, at most {max} are allowed"))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// The whole body, and what it holds of the budget. A body of one frame, the usual one, is not copied.
pub async fn read_all(body: Body, declared: Option<u64>, limits: BodyLimits, budget: &Budget) -> Result<(Bytes, Reservation)> {
    let mut held = budget.reserve();
    let mut reader = BodyReader::new(body, declared, limits)?;
    let Some(first) = reader.next().await.transpose()? else { return Ok((Bytes::new(), held)) };
    held.grow(first.len())?;
    let Some(second) = reader.next().await.transpose()? else { return Ok((first, held)) };
    held.grow(second.len())?;
    let mut all = BytesMut::with_capacity(first.len() + second.len());
    all.extend_from_slice(&first);
    all.extend_from_slice(&second);
    while let Some(frame) = reader.next().await.transpose()? {
        held.grow(frame.len())?;
        all.extend_from_slice(&frame);
    }
    Ok((all.freeze(), held))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    fn body(frames: &[&'static str]) -> Body {
        Body::from_stream(stream::iter(frames.to_vec()).map(Ok::<_, Infallible>))
    }

    async fn read(frames: &[&'static str], declared: Option<u64>, size_max: u64) -> Result<Bytes, ErrorKind> {
        let read = read_all(body(frames), declared, BodyLimits::up_to(size_max), &Budget::default()).await;
        read.map(|(bytes, _)| bytes).map_err(|error| error.kind)
    }

    #[tokio::test]
    async fn a_body_is_what_it_declares_and_no_more_than_allowed() {
        assert_eq!(read(&[], None, 10).await, Ok(Bytes::new()));
        assert_eq!(read(&["abc"], Some(3), 10).await, Ok("abc".into()));
        assert_eq!(read(&["ab", "cd", "ef"], Some(6), 6).await, Ok("abcdef".into()));
        assert_eq!(read(&["abc"], Some(4), 10).await, Err(ErrorKind::LengthMismatch));
        assert_eq!(read(&["abc"], Some(2), 10).await, Err(ErrorKind::LengthMismatch));
        assert_eq!(read(&["abc"], Some(11), 10).await, Err(ErrorKind::BodyTooLarge));
        assert_eq!(read(&["ab", "cd"], None, 3).await, Err(ErrorKind::BodyTooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_slowness_are_given_up() {
        let limits = BodyLimits { size_max: 1 << 20, idle: Duration::from_secs(20), rate_min: 1024 };
        let silent = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let start = Instant::now();
        assert_eq!(read_all(silent, None, limits, &Budget::default()).await.unwrap_err().kind, ErrorKind::BodyTimeout);
        assert_eq!(start.elapsed().as_secs(), 20);

        let a_byte_a_second = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>("x"), ()))
        });
        let start = Instant::now();
        let refused = read_all(Body::from_stream(a_byte_a_second), None, limits, &Budget::default()).await.unwrap_err();
        assert_eq!((refused.kind, start.elapsed().as_secs()), (ErrorKind::BodyTimeout, 20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_client_may_take_its_time() {
        let steady = stream::unfold(0, |sent| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            (sent < 100).then(|| (Ok::<_, Infallible>("x".repeat(2048)), sent + 1))
        });
        let limits = BodyLimits { size_max: 1 << 20, idle: Duration::from_secs(20), rate_min: 1024 };
        let (bytes, _) = read_all(Body::from_stream(steady), None, limits, &Budget::default()).await.unwrap();
        assert_eq!(bytes.len(), 204_800);
    }
}
