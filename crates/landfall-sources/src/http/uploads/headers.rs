//! The headers of the protocol: structured fields (RFC 9651).

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use landfall_model::{Error, ErrorKind, Result, limits};

pub(super) const COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const LIMIT: HeaderName = HeaderName::from_static("upload-limit");

/// The media type of a part.
pub(super) const PARTIAL: &str = "application/partial-upload";

fn wrong(name: &HeaderName, form: &str) -> Error {
    Error::new(ErrorKind::BadRequest, format!("`{name}` must be {form}"))
}

/// Whether the body is the last of the upload; `None` where nothing is said.
pub(super) fn complete(headers: &HeaderMap) -> Result<Option<bool>> {
    match headers.get(COMPLETE).map(HeaderValue::as_bytes) {
        None => Ok(None),
        Some(b"?1") => Ok(Some(true)),
        Some(b"?0") => Ok(Some(false)),
        Some(_) => Err(wrong(&COMPLETE, "?1 or ?0")),
    }
}

/// A number of bytes.
pub(super) fn bytes(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number.map(Some).ok_or_else(|| wrong(name, "a number of bytes"))
}

/// Puts where the upload stands into an answer.
pub(super) fn standing(headers: &mut HeaderMap, offset: u64, complete: bool) {
    headers.insert(OFFSET, HeaderValue::from(offset));
    headers.insert(COMPLETE, HeaderValue::from_static(if complete { "?1" } else { "?0" }));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(limit) = HeaderValue::from_str(&format!("max-size={}, max-age={}", limits::FILE_BYTES_MAX, limits::UPLOAD_AGE_MAX.as_secs()))
    {
        headers.insert(LIMIT, limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, value: &'static str) -> HeaderMap {
        [(name.clone(), HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn the_fields_are_read_strictly() {
        assert_eq!(complete(&headers(&COMPLETE, "?1")).unwrap(), Some(true));
        assert_eq!(complete(&headers(&COMPLETE, "?0")).unwrap(), Some(false));
        assert_eq!(complete(&HeaderMap::new()).unwrap(), None);
        for bad in ["1", "true", "?2", ""] {
            assert!(complete(&headers(&COMPLETE, bad)).is_err(), "{bad}");
        }
        assert_eq!(bytes(&headers(&OFFSET, "1024"), &OFFSET).unwrap(), Some(1024));
        for bad in ["-1", "+1", "1.5", "", "99999999999999999999"] {
            assert!(bytes(&headers(&OFFSET, bad), &OFFSET).is_err(), "{bad}");
        }
    }
}
