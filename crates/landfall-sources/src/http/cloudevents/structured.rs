//! Structured and batch mode: the envelope is in the body. It is checked and
//! passed on unchanged.

use std::borrow::Cow;

use bytes::Bytes;
use landfall_model::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::check;

/// The attributes that must be there; the rest is not looked at here.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    specversion: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
}

/// A body that is one event.
pub(super) fn one(body: Bytes) -> Result<Bytes> {
    let event: &RawValue = serde_json::from_slice(&body).map_err(|error| syntax(&body, &error, "one JSON object"))?;
    envelope("the event", event)?;
    Ok(body)
}

/// A body that is an array of events.
pub(super) fn batch(body: Bytes) -> Result<Bytes> {
    let events: Vec<&RawValue> = serde_json::from_slice(&body).map_err(|error| syntax(&body, &error, "a JSON array of objects"))?;
    for (at, event) in events.iter().enumerate() {
        envelope(&format!("event {} of the batch", at + 1), event)?;
    }
    Ok(body)
}

fn envelope(which: &str, event: &RawValue) -> Result<()> {
    let wrong = |why: &str| Error::new(ErrorKind::BadRequest, format!("{which} is no CloudEvent: {why}"));
    if !event.get().starts_with('{') {
        return Err(wrong("it is not a JSON object"));
    }
    let envelope: Envelope<'_> = serde_json::from_str(event.get())
        .map_err(|error| wrong(&format!("its `specversion`, `id`, `source` and `type` must be text: {error}")))?;
    check(which, |name| {
        let attribute = match name {
            "specversion" => &envelope.specversion,
            "id" => &envelope.id,
            "source" => &envelope.source,
            _ => &envelope.r#type,
        };
        attribute.as_ref().map(|text| text.clone().into_owned())
    })
}

/// Where the parser stopped, as the line and the offset of that line's first byte.
fn syntax(body: &[u8], error: &serde_json::Error, expected: &str) -> Error {
    let line = error.line().max(1);
    let before = body.split_inclusive(|byte| *byte == b'\n').take(line - 1).map(<[u8]>::len).sum::<usize>();
    let message = format!("the body is not {expected}: {error}");
    Error::new(ErrorKind::Syntax, message).at(line as u64, before as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"specversion":"1.0","id":"a","source":"/s","type":"t","data":{"n":1}}"#;

    #[test]
    fn what_is_right_passes_unchanged() {
        assert_eq!(one(EVENT.into()).unwrap(), EVENT);
        let two = format!("[{EVENT},\n {EVENT}]");
        assert_eq!(batch(two.clone().into()).unwrap(), two);
    }

    #[test]
    fn a_body_of_the_other_mode_or_of_no_mode_is_refused() {
        assert_eq!(one(format!("[{EVENT}]").into()).unwrap_err().kind, ErrorKind::BadRequest);
        assert_eq!(batch(EVENT.into()).unwrap_err().kind, ErrorKind::Syntax);
        assert_eq!(one(format!("{EVENT}\n{EVENT}").into()).unwrap_err().kind, ErrorKind::Syntax);
    }

    #[test]
    fn bad_syntax_says_its_line() {
        let error = batch(Bytes::from(format!("[{EVENT},\n{{\"id\": }}]"))).unwrap_err();
        let place = error.place.unwrap();
        assert_eq!((error.kind, place.line, place.byte_offset), (ErrorKind::Syntax, 2, EVENT.len() as u64 + 3));
    }
}
