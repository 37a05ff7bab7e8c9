//! The body of a request, with the limits and the patience of every door.

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use futures::Stream;
use http_body::Body as _;
use landfall_access::http::body::{BodyLimits, BodyReader, declared_length};
use landfall_model::{Result, limits};
use s3s::HttpRequest;
use s3s::dto::StreamingBlob;

/// What the signatures of pieces may add to a body, as a part of it and at the least.
const FRAMING: u64 = 64 << 10;

pub fn bounded(request: Request) -> Result<HttpRequest> {
    let (head, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(HttpRequest::from_parts(head, s3s::Body::empty()));
    }
    let declared = declared_length(&head.headers)?;
    let most = limits::FILE_BYTES_MAX + limits::FILE_BYTES_MAX / 64 + FRAMING;
    let reader = BodyReader::new(body, declared, BodyLimits::up_to(most))?;
    Ok(HttpRequest::from_parts(head, s3s::Body::http_body_unsync(Body::from_stream(reader))))
}

/// Bytes as s3s takes and gives them.
pub fn blob(bytes: impl Stream<Item = Result<Bytes>> + Send + 'static) -> StreamingBlob {
    StreamingBlob::from(s3s::Body::http_body_unsync(Body::from_stream(bytes)))
}
