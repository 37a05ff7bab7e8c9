//! The one map from error kinds to HTTP, and the problem document (RFC 9457)
//! that says what was wrong.

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use landfall_model::{Error, ErrorKind, limits};
use serde::Serialize;

/// An error on its way out over HTTP.
#[derive(Debug)]
pub struct Problem(pub Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        Problem(error)
    }
}

/// The status of each kind. Exhaustive, so that a new kind cannot be forgotten here.
pub fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::BadRequest
        | ErrorKind::BadKey
        | ErrorKind::BadSql
        | ErrorKind::Syntax
        | ErrorKind::TooDeep
        | ErrorKind::LengthMismatch
        | ErrorKind::DigestMismatch
        | ErrorKind::BrokenContainer
        | ErrorKind::UnclosedQuote
        | ErrorKind::NotText
        | ErrorKind::BadHeader
        | ErrorKind::BadRecord
        | ErrorKind::BadTransform
        | ErrorKind::UnknownFormat => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::UnknownDataset | ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorKind::Conflict | ErrorKind::IdempotencyMismatch => StatusCode::CONFLICT,
        ErrorKind::Gone => StatusCode::GONE,
        ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorKind::BodyTooLarge | ErrorKind::RecordTooLarge | ErrorKind::Bomb => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorKind::QueryTooLarge => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Corrupt | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Overloaded | ErrorKind::Draining | ErrorKind::Unavailable | ErrorKind::Stale | ErrorKind::Diverged => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorKind::QueryTimeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
    }
}

/// The document itself, as clients read it.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_offset: Option<u64>,
}

/// The problem document of `error`, as JSON.
pub fn document(error: &Error) -> String {
    let status = status(error.kind);
    let code = error.kind.code();
    let document = Document {
        r#type: format!("urn:landfall:problem:{code}"),
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: &error.message,
        code,
        line: error.place.map(|place| place.line),
        byte_offset: error.place.map(|place| place.byte_offset),
    };
    serde_json::to_string(&document).unwrap_or_default()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let error = self.0;
        let status = status(error.kind);
        if status.is_server_error() {
            tracing::warn!(code = error.kind.code(), "{error}");
        }
        let mut response = (status, document(&error)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if error.kind.is_passing() {
            headers.insert(RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER_SECONDS));
        }
        match error.kind {
            ErrorKind::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"landfall\""));
            }
            // What is left of the body would be taken for the next request.
            ErrorKind::BodyTimeout | ErrorKind::LengthMismatch | ErrorKind::BodyTooLarge => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_error_status_and_says_its_code() {
        for kind in ErrorKind::ALL {
            let response = Problem(Error::new(*kind, "why")).into_response();
            assert!(response.status().is_client_error() || response.status().is_server_error(), "{kind:?}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
            assert_eq!(response.headers().contains_key(RETRY_AFTER), kind.is_passing(), "{kind:?}");
            assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), response.status() == 401, "{kind:?}");
            assert!(document(&Error::new(*kind, "why")).contains(&format!("\"code\":\"{}\"", kind.code())));
        }
    }

    /// What clients may send again unchanged must not look like their own mistake, and the other way round.
    #[test]
    fn only_what_passes_is_a_servers_error_that_asks_to_come_back() {
        for kind in ErrorKind::ALL.iter().filter(|kind| kind.is_passing()) {
            assert!(status(*kind).is_server_error(), "{kind:?}");
        }
    }

    #[test]
    fn a_place_is_in_the_document() {
        let text = document(&Error::new(ErrorKind::Syntax, "`}` is missing").at(3, 40));
        let expected = "{\"type\":\"urn:landfall:problem:syntax\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"`}` is missing\",\
                        \"code\":\"syntax\",\"line\":3,\"byte_offset\":40}";
        assert_eq!(text, expected);
    }
}
