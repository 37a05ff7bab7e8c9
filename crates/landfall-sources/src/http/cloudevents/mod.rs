//! CloudEvents 1.0 over HTTP (the CNCF's HTTP protocol binding and JSON event
//! format). Whatever the mode, the record is the envelope with its `data`, so
//! that a dataset's table is the same however its events are sent.

mod binary;
mod structured;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use bytes::Bytes;
use landfall_model::{Error, ErrorKind, Result};

const SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
const TYPE: HeaderName = HeaderName::from_static("ce-type");

/// The events of the body as JSON. A body that is no CloudEvent is given back as it is.
pub(crate) fn unwrap(headers: &HeaderMap, body: Bytes) -> Result<Bytes> {
    let content_type = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let media_type = content_type.map(media_type);
    match media_type.as_deref() {
        Some("application/cloudevents+json") => structured::one(body),
        Some("application/cloudevents-batch+json") => structured::batch(body),
        Some(other) if other.starts_with("application/cloudevents") => {
            let message =
                format!("CloudEvents are taken as JSON (application/cloudevents+json or -batch+json) or in binary mode, not as `{other}`");
            Err(Error::new(ErrorKind::UnsupportedMediaType, message))
        }
        _ if headers.contains_key(SPECVERSION) || headers.contains_key(TYPE) => binary::event(headers, content_type, &body),
        _ => Ok(body),
    }
}

/// Without parameters, in lower case.
fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Refuses an event without the attributes that every one must have; `which` says which event it is.
fn check(which: &str, attribute: impl Fn(&str) -> Option<String>) -> Result<()> {
    let wrong = |why: String| Err(Error::new(ErrorKind::BadRequest, format!("{which} is no CloudEvent: {why}")));
    match attribute("specversion").as_deref() {
        Some("1.0") => {}
        Some(other) => return wrong(format!("its `specversion` is `{other}`, and 1.0 is the one that is taken")),
        None => return wrong("it has no `specversion`".into()),
    }
    for name in ["id", "source", "type"] {
        match attribute(name).as_deref() {
            None => return wrong(format!("it has no `{name}`")),
            Some("") => return wrong(format!("its `{name}` is empty")),
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    pub(super) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn kind(pairs: &[(&'static str, &str)], body: &'static str) -> Option<ErrorKind> {
        unwrap(&headers(pairs), body.into()).err().map(|error| error.kind)
    }

    #[test]
    fn a_body_that_says_nothing_of_cloudevents_stays_as_it_is() {
        assert_eq!(unwrap(&headers(&[("content-type", "application/json")]), "{\"id\":1}".into()).unwrap(), "{\"id\":1}");
    }

    #[test]
    fn other_formats_are_refused() {
        assert_eq!(kind(&[("content-type", "application/cloudevents+avro")], "x"), Some(ErrorKind::UnsupportedMediaType));
    }

    #[test]
    fn an_event_without_its_attributes_is_refused_in_every_mode() {
        let structured = [("content-type", "application/cloudevents+json; charset=utf-8")];
        let batch = [("content-type", "application/cloudevents-batch+json")];
        let good = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
        assert_eq!(kind(&structured, good), None);
        for bad in [
            r#"{"specversion":"1.0","id":"1","source":"/s"}"#,
            r#"{"specversion":"1.0","id":"","source":"/s","type":"t"}"#,
            r#"{"specversion":"0.3","id":"1","source":"/s","type":"t"}"#,
            r#"{"id":"1","source":"/s","type":"t"}"#,
            r#"{"specversion":"1.0","id":1,"source":"/s","type":"t"}"#,
        ] {
            assert_eq!(kind(&structured, bad), Some(ErrorKind::BadRequest), "{bad}");
        }
        assert_eq!(kind(&batch, r#"[{"specversion":"1.0","id":"1","source":"/s","type":"t"},{"id":"2"}]"#), Some(ErrorKind::BadRequest));
        assert_eq!(kind(&[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s")], "{}"), Some(ErrorKind::BadRequest));
        assert_eq!(kind(&[("ce-type", "t"), ("ce-id", "1"), ("ce-source", "/s")], "{}"), Some(ErrorKind::BadRequest));
    }
}
