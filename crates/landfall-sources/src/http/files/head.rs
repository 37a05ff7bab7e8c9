//! The head of a file's answer, the same for GET and HEAD.

use std::ops::Range;

use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use landfall_model::{Error, ErrorKind, Landing, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::conditions::{self, Verdict};
use super::range::{self, Asked};

/// What RFC 8187 lets stand in an extended parameter.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is to be sent of a file.
pub(super) struct Head {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Nothing where the answer has no body whatever the method.
    pub range: Option<Range<u64>>,
}

/// Reads the conditions and the range in `request` against the file `landing`.
pub(super) fn head(request: &HeaderMap, landing: &Landing) -> Result<Head> {
    let size = u64::try_from(landing.size).unwrap_or(0);
    let etag = format!("\"sha256:{}\"", landing.digest);
    let modified = conditions::http_time(landing.received_at);
    let mut headers = HeaderMap::with_capacity(12);
    insert(&mut headers, ETAG, &etag)?;
    insert(&mut headers, LAST_MODIFIED, &httpdate::fmt_http_date(modified))?;
    match conditions::evaluate(request, &etag, modified) {
        Verdict::Send => {}
        Verdict::NotModified => return Ok(Head { status: StatusCode::NOT_MODIFIED, headers, range: None }),
        Verdict::Failed => {
            return Err(Error::new(
                ErrorKind::PreconditionFailed,
                format!("the file is now {etag}, which the conditions of the request rule out"),
            ));
        }
    }
    describe(&mut headers, landing)?;
    let asked = request.get(RANGE).filter(|_| conditions::range_holds(request, &etag, modified));
    let (status, range) = match range::asked(asked.and_then(|value| value.to_str().ok()), size) {
        Asked::Whole => (StatusCode::OK, 0..size),
        Asked::Part(range) => {
            insert(&mut headers, CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1))?;
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Asked::Unsatisfiable => {
            return Err(Error::new(ErrorKind::RangeNotSatisfiable, format!("the file has {size} bytes, and the range has none of them")));
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    Ok(Head { status, headers, range: Some(range) })
}

/// The type is the sender's word, so no browser may act on it: it is a download, and nobody sniffs it.
fn describe(headers: &mut HeaderMap, landing: &Landing) -> Result<()> {
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    insert(headers, CONTENT_TYPE, landing.content_type.as_deref().unwrap_or("application/octet-stream"))?;
    let name = landing.key.as_ref().map_or("file", |key| key.file_name());
    insert(headers, CONTENT_DISPOSITION, &format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, ATTRIBUTE)))
}

fn insert(headers: &mut HeaderMap, name: axum::http::HeaderName, value: &str) -> Result<()> {
    let value = HeaderValue::from_str(value).map_err(|error| Error::internal("writing a header", error))?;
    headers.insert(name, value);
    Ok(())
}
