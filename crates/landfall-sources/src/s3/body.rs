//! The body of a request, with the limits and the patience of every door. An
//! object's streams; a document, which s3s reads into memory, is read here first,
//! within the room that all of them have together.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Uri, header};
use bytes::Bytes;
use futures::Stream;
use http_body::Body as _;
use landfall_access::http::body::{BodyLimits, BodyReader, declared_length, read_all};
use landfall_access::http::{Budget, Reservation};
use landfall_model::{Result, limits};
use s3s::HttpRequest;
use s3s::dto::StreamingBlob;

use super::errors::{Outcome, not_implemented};

/// What the signatures of pieces may add to a body, as a part of it and at the least.
const FRAMING: u64 = 64 << 10;

/// What a body is read into; it is given back when this is dropped.
pub struct Bounded {
    pub request: HttpRequest,
    pub held: Option<Reservation>,
}

pub async fn bounded(request: Request, budget: &Budget) -> Outcome<Bounded> {
    let (head, body) = request.into_parts();
    // A form is an object within a document, and would be read into memory whole.
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if head.method == Method::POST && kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
        return Err(not_implemented("posting a form"));
    }
    if body.is_end_stream() {
        return Ok(Bounded { request: HttpRequest::from_parts(head, s3s::Body::empty()), held: None });
    }
    let declared = declared_length(&head.headers)?;
    if is_document(&head.method, &head.uri) {
        let most = BodyLimits::up_to(limits::S3_DOCUMENT_BYTES_MAX);
        let (bytes, held) = read_all(body, declared, most, budget).await?;
        return Ok(Bounded { request: HttpRequest::from_parts(head, s3s::Body::from(bytes)), held: Some(held) });
    }
    let most = limits::FILE_BYTES_MAX + limits::FILE_BYTES_MAX / 64 + FRAMING;
    let reader = BodyReader::new(body, declared, BodyLimits::up_to(most))?;
    let streamed = s3s::Body::http_body_unsync(Body::from_stream(reader));
    Ok(Bounded { request: HttpRequest::from_parts(head, streamed), held: None })
}

/// Whether the body is anything but the bytes of an object or of a part.
fn is_document(method: &Method, uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    let names = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    let about_bytes = |name: &str| matches!(name, "partNumber" | "uploadId" | "x-id") || name.to_ascii_lowercase().starts_with("x-amz-");
    *method != Method::PUT || !uri.path().trim_start_matches('/').contains('/') || !names.into_iter().all(about_bytes)
}

/// Bytes as s3s takes and gives them.
pub fn blob(bytes: impl Stream<Item = Result<Bytes>> + Send + 'static) -> StreamingBlob {
    StreamingBlob::from(s3s::Body::http_body_unsync(Body::from_stream(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bytes_of_objects_and_parts_are_no_documents() {
        let is = |method: Method, uri: &str| is_document(&method, &uri.parse().unwrap());
        assert!(!is(Method::PUT, "/orders/a/b"));
        assert!(!is(Method::PUT, "/orders/a?x-id=PutObject&X-Amz-Signature=ab"));
        assert!(!is(Method::PUT, "/orders/a?partNumber=1&uploadId=x"));
        assert!(is(Method::PUT, "/orders/a?tagging"));
        assert!(is(Method::PUT, "/orders/?acl") && is(Method::PUT, "/orders"));
        assert!(is(Method::POST, "/orders?delete") && is(Method::POST, "/orders/a?uploadId=x"));
    }

    #[tokio::test]
    async fn a_document_has_a_limit_and_a_form_is_refused() {
        let post = |kind: &str, size: usize| {
            let request = Request::builder().method("POST").uri("/orders?delete").header("content-type", kind);
            request.body(Body::from(vec![b'x'; size])).unwrap()
        };
        let outcome = async |kind: &str, size: u64| {
            let bounded = bounded(post(kind, usize::try_from(size).unwrap()), &Budget::default()).await;
            bounded.map(|bounded| bounded.held.is_some()).map_err(|refused| refused.0.code().as_str().to_owned())
        };
        assert_eq!(outcome("application/xml", limits::S3_DOCUMENT_BYTES_MAX).await, Ok(true));
        assert_eq!(outcome("application/xml", limits::S3_DOCUMENT_BYTES_MAX + 1).await, Err("EntityTooLarge".into()));
        assert_eq!(outcome("Multipart/Form-Data; boundary=x", 10).await, Err("NotImplemented".into()));
    }
}
