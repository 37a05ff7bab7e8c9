//! Digests that a client sends along: `Content-Digest` and `Repr-Digest`
//! (RFC 9530), and `Digest` (RFC 3230). SHA-256 is the one that is verified.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use landfall_model::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

type Sum = [u8; 32];

/// The digest that the body must have. A header that names no SHA-256 is refused, so that nobody believes in a check
/// that was not made.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<Sum>> {
    let mut expected = None;
    for header in ["content-digest", "repr-digest", "digest"] {
        let Some(value) = headers.get(header) else { continue };
        let sum = value.to_str().ok().and_then(|text| sha256(text, header == "digest"));
        let sum = sum.ok_or_else(|| {
            let form = if header == "digest" { "sha-256=BASE64" } else { "sha-256=:BASE64:" };
            Error::new(ErrorKind::BadRequest, format!("`{header}` names no SHA-256: write `{form}`"))
        })?;
        if expected.is_some_and(|earlier| earlier != sum) {
            return Err(Error::new(ErrorKind::DigestMismatch, "the digests in the head of the request contradict each other"));
        }
        expected = Some(sum);
    }
    Ok(expected)
}

/// The SHA-256 among the digests of one header.
fn sha256(text: &str, bare: bool) -> Option<Sum> {
    let members = text.split(',').filter_map(|member| member.trim().split_once('='));
    let (_, value) = members.into_iter().find(|(algorithm, _)| algorithm.eq_ignore_ascii_case("sha-256"))?;
    let encoded = if bare { value } else { value.strip_prefix(':')?.strip_suffix(':')? };
    STANDARD.decode(encoded).ok()?.try_into().ok()
}

/// A body that ends in `DigestMismatch` unless it has the digest expected of it.
pub(super) struct Verified<S> {
    body: S,
    expected: Option<(Sum, Sha256)>,
}

impl<S> Verified<S> {
    pub fn new(body: S, expected: Option<Sum>) -> Verified<S> {
        Verified { body, expected: expected.map(|sum| (sum, Sha256::new())) }
    }

    fn end(&mut self) -> Option<Result<Bytes>> {
        let (expected, hash) = self.expected.take()?;
        let came: Sum = hash.finalize().into();
        if came == expected {
            return None;
        }
        let (expected, came) = (STANDARD.encode(expected), STANDARD.encode(came));
        let message = format!("the body has the SHA-256 {came} and was said to have {expected}; nothing landed");
        Some(Err(Error::new(ErrorKind::DigestMismatch, message)))
    }
}

impl<S: Stream<Item = Result<Bytes>> + Unpin> Stream for Verified<S> {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let this = self.get_mut();
        let item = std::task::ready!(this.body.poll_next_unpin(task));
        if let (Some(Ok(bytes)), Some((_, hash))) = (&item, &mut this.expected) {
            hash.update(bytes);
        }
        Poll::Ready(item.or_else(|| this.end()))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use futures::{TryStreamExt, stream};

    use super::*;

    /// Of `abc`.
    const ABC: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

    fn read(header: &'static str, value: &str) -> Result<Option<Sum>, ErrorKind> {
        let headers: HeaderMap = [(HeaderName::from_static(header), HeaderValue::from_str(value).unwrap())].into_iter().collect();
        expected(&headers).map_err(|error| error.kind)
    }

    #[tokio::test]
    async fn a_body_is_what_it_was_said_to_be() {
        let sum = read("content-digest", &format!("md5=:x:, sha-256=:{ABC}:")).unwrap();
        assert_eq!(read("digest", &format!("SHA-256={ABC}")).unwrap(), sum);
        for (frames, good) in [(["a", "bc"], true), (["a", "bd"], false)] {
            let body = stream::iter(frames.map(|frame| Ok(Bytes::from(frame))));
            let landed = Verified::new(body, sum).try_collect::<Vec<_>>().await.map_err(|error| error.kind);
            assert_eq!(landed.is_ok(), good, "{landed:?}");
            assert!(good || landed == Err(ErrorKind::DigestMismatch));
        }
    }

    #[test]
    fn a_digest_that_cannot_be_verified_is_refused() {
        for (header, value) in [
            ("content-digest", "sha-512=:AAAA:"),
            ("repr-digest", ABC),
            ("content-digest", "sha-256=:AAAA:"),
            ("digest", "sha-256=:x:"),
            ("digest", ""),
        ] {
            assert_eq!(read(header, value), Err(ErrorKind::BadRequest), "{header}: {value}");
        }
        assert_eq!(expected(&HeaderMap::new()).unwrap(), None);
    }
}
