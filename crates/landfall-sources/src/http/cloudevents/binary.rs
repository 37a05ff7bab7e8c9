//! Binary mode: attributes in `ce-` headers, data in the body. The envelope is
//! put together as the JSON event format has it.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use landfall_model::{Error, ErrorKind, Result};
use percent_encoding::percent_decode;
use serde_json::value::RawValue;

use super::{check, media_type};

const PREFIX: &str = "ce-";

/// One event as a JSON object.
pub(super) fn event(headers: &HeaderMap, content_type: Option<&str>, body: &[u8]) -> Result<Bytes> {
    let attributes = attributes(headers)?;
    let find = |name: &str| attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    check("the event", find)?;
    let mut out = Vec::with_capacity(body.len() + 256);
    for (name, value) in &attributes {
        member(&mut out, name, value)?;
    }
    if let Some(content_type) = content_type {
        member(&mut out, "datacontenttype", content_type)?;
    }
    if !body.is_empty() {
        data(&mut out, content_type, body)?;
    }
    out.push(b'}');
    Ok(out.into())
}

/// In the order of the headers, percent-decoded.
fn attributes(headers: &HeaderMap) -> Result<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    for (header, value) in headers {
        let Some(name) = header.as_str().strip_prefix(PREFIX) else { continue };
        let wrong = |why: &str| Error::new(ErrorKind::BadRequest, format!("the header `{header}` is no CloudEvents attribute: {why}"));
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(wrong("a name has letters and digits only"));
        }
        if matches!(name, "data" | "database64" | "datacontenttype") {
            return Err(wrong("data is the body, and its type is `Content-Type`"));
        }
        let text = unquoted(value.as_bytes());
        let text = percent_decode(&text).decode_utf8().map_err(|_| wrong("it is not UTF-8 once it is percent-decoded"))?.into_owned();
        attributes.push((name.to_owned(), text));
    }
    Ok(attributes)
}

/// The binding once allowed quoted strings and still wants them read.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let Some(inner) = inner else { return value.to_vec() };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        let byte = if *byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte };
        out.push(*byte);
    }
    out
}

/// JSON stands as it is; what is not JSON, or is not said to be and does not read as such, in base 64.
fn data(out: &mut Vec<u8>, content_type: Option<&str>, body: &[u8]) -> Result<()> {
    let media_type = content_type.map(media_type);
    let said = media_type.as_deref().map(|name| name == "application/json" || name == "text/json" || name.ends_with("+json"));
    match (said, serde_json::from_slice::<&RawValue>(body)) {
        (Some(true) | None, Ok(json)) => {
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(json.get().as_bytes());
            Ok(())
        }
        (Some(true), Err(error)) => {
            Err(Error::new(ErrorKind::Syntax, format!("the data of the event says it is JSON and is not: {error}")).at(1, 0))
        }
        _ => member(out, "data_base64", &STANDARD.encode(body)),
    }
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) -> Result<()> {
    out.push(if out.is_empty() { b'{' } else { b',' });
    let write = serde_json::to_writer(&mut *out, name).and_then(|()| {
        out.push(b':');
        serde_json::to_writer(&mut *out, value)
    });
    write.map_err(|error| Error::internal("writing an event", error))
}

#[cfg(test)]
mod tests {
    use super::super::tests::headers;
    use super::super::unwrap;
    use super::*;

    const HEAD: &[(&str, &str)] = &[("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];

    fn made(more: &[(&'static str, &str)], body: &'static [u8]) -> Result<serde_json::Value, ErrorKind> {
        let bytes = unwrap(&headers(&[HEAD, more].concat()), Bytes::from_static(body)).map_err(|error| error.kind)?;
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn the_envelope_is_put_together() {
        let made = made(&[("content-type", "application/json"), ("ce-subject", "Euro%20%E2%82%AC%22")], b"{\"n\":1}").unwrap();
        let expected = serde_json::json!({
            "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "subject": "Euro €\"",
            "datacontenttype": "application/json", "data": {"n": 1},
        });
        assert_eq!(made, expected);
    }

    #[test]
    fn data_that_is_not_json_is_base_64() {
        assert_eq!(made(&[("content-type", "text/plain")], b"12").unwrap()["data_base64"], "MTI=");
        assert_eq!(made(&[], &[0xff, 0]).unwrap()["data_base64"], "/wA=");
        assert_eq!(made(&[], b"[1]").unwrap()["data"], serde_json::json!([1]));
        assert!(made(&[], b"").unwrap().get("data").is_none());
        assert_eq!(made(&[("content-type", "application/vnd.x+json")], b"{").unwrap_err(), ErrorKind::Syntax);
    }

    /// Data cannot add attributes of its own: it must be one JSON value and nothing after it.
    #[test]
    fn data_stays_inside_its_member() {
        assert_eq!(made(&[("content-type", "application/json")], br#"1,"id":"2""#).unwrap_err(), ErrorKind::Syntax);
    }

    #[test]
    fn a_quoted_value_is_read() {
        assert_eq!(made(&[("ce-subject", "\"a \\\"b\\\"\"")], b"").unwrap()["subject"], "a \"b\"");
        assert_eq!(made(&[("ce-bad-name", "x")], b"").unwrap_err(), ErrorKind::BadRequest);
    }
}
