//! Structured and batch mode: the envelope is in the body. It is checked and
//! passed on unchanged.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use landfall_model::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
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
    let mut stream = serde_json::Deserializer::from_slice(&body).into_iter::<&RawValue>();
    let event = stream.next().transpose().map_err(|why| syntax(&body, 0, "one JSON object", &why))?;
    let end = stream.byte_offset();
    let Some(event) = event else {
        return Err(syntax(&body, 0, "one JSON object", &"it is empty"));
    };
    if !body[end..].trim_ascii_start().is_empty() {
        return Err(syntax(&body, end, "one JSON object", &"something comes behind it"));
    }
    envelope("the event", event).map_err(|error| at(error, &body, start(&body, event)))?;
    Ok(body)
}

/// A body that is an array of events.
pub(super) fn batch(body: Bytes) -> Result<Bytes> {
    let mut events = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(&body);
    let read = Elements(&mut events).deserialize(&mut json).and_then(|()| json.end());
    if let Err(why) = read {
        // What is wrong comes behind the last event that could be read.
        let before = events.last().map_or(0, |event| start(&body, event) + event.get().len());
        return Err(syntax(&body, before, "a JSON array of objects", &why));
    }
    for (place, event) in events.iter().enumerate() {
        envelope(&format!("event {} of the batch", place + 1), event).map_err(|error| at(error, &body, start(&body, event)))?;
    }
    Ok(body)
}

/// Reads an array, and keeps what it has read where the array breaks off.
struct Elements<'a, 'de>(&'a mut Vec<&'de RawValue>);

impl<'de> DeserializeSeed<'de> for Elements<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            self.0.push(element);
        }
        Ok(())
    }
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

/// Where `event` starts in `body`, which it is a part of.
fn start(body: &[u8], event: &RawValue) -> usize {
    event.get().as_ptr().addr().saturating_sub(body.as_ptr().addr())
}

/// At the line and the byte where a record starts.
fn at(error: Error, body: &[u8], start: usize) -> Error {
    let line = 1 + body.iter().take(start).filter(|byte| **byte == b'\n').count();
    error.at(line as u64, start as u64)
}

/// `why` a body is not `expected`: at the next record behind `before`, or where the body ends.
fn syntax(body: &[u8], before: usize, expected: &str, why: &dyn fmt::Display) -> Error {
    let parting = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'[');
    let record = body.iter().skip(before).position(|byte| !parting(byte));
    let start = record.map_or(body.trim_ascii_end().len(), |behind| before + behind);
    at(Error::new(ErrorKind::Syntax, format!("the body is not {expected}: {why}")), body, start)
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

    fn place(refused: Result<Bytes>) -> (ErrorKind, u64, u64) {
        let error = refused.unwrap_err();
        let place = error.place.unwrap();
        (error.kind, place.line, place.byte_offset)
    }

    #[test]
    fn a_bad_event_is_placed_where_it_starts() {
        let second = EVENT.len() as u64 + 3;
        let batch_of = |event: &str| batch(Bytes::from(format!("[{EVENT},\n{event}\n]\n")));
        assert_eq!(place(batch_of("{\"id\": }")), (ErrorKind::Syntax, 2, second));
        assert_eq!(place(batch_of("{\"id\":\n\n")), (ErrorKind::Syntax, 2, second), "it breaks off lines later");
        assert_eq!(place(batch_of("{\n\"id\": 1}")), (ErrorKind::BadRequest, 2, second), "JSON that is no CloudEvent");
        assert_eq!(place(one("\n\n{\"id\":\n".into())), (ErrorKind::Syntax, 3, 2));
        assert_eq!(place(one(format!("{EVENT}\n{EVENT}").into())), (ErrorKind::Syntax, 2, EVENT.len() as u64 + 1), "one too many");
        assert_eq!(place(batch(EVENT.into())), (ErrorKind::Syntax, 1, 0), "no array");
        assert_eq!(place(batch("[\n".into())), (ErrorKind::Syntax, 1, 1), "an array that is never closed");
    }
}
