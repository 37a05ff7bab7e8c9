//! Several batches of events as one text, and which line of it is which event.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder, TimestampMicrosecondBuilder, new_null_array};
use arrow::datatypes::DataType;
use bytes::{Bytes, BytesMut};
use landfall_decode::Rejected;
use landfall_model::{EventId, Landing, Place, Reject};

/// The bodies of several batches as one text, and where in it each begins.
pub(super) struct Run {
    pub(super) text: Bytes,
    starts: Vec<Start>,
}

struct Start {
    landing: Landing,
    /// The first line of the body in the text, counted from 1.
    line: u64,
    offset: u64,
}

impl Run {
    pub(super) fn new(batches: &[(Landing, Bytes)]) -> Run {
        if let [(landing, body)] = batches {
            let start = Start { landing: landing.clone(), line: 1, offset: 0 };
            return Run { text: body.clone(), starts: vec![start] };
        }
        let mut text = BytesMut::new();
        let mut starts = Vec::with_capacity(batches.len());
        let mut line = 1;
        for (landing, body) in batches {
            if text.last().is_some_and(|byte| *byte != b'\n') {
                text.extend_from_slice(b"\n");
            }
            starts.push(Start { landing: landing.clone(), line, offset: text.len() as u64 });
            text.extend_from_slice(body);
            line += u64::try_from(landing.records).unwrap_or(0);
        }
        Run { text: text.freeze(), starts }
    }

    /// The batch that a line belongs to.
    fn start(&self, line: u64) -> Option<&Start> {
        let after = self.starts.partition_point(|start| start.line <= line);
        self.starts.get(after.checked_sub(1)?)
    }

    /// `Columns::SYSTEM` for rows from these lines.
    pub(super) fn system_columns(&self, lines: &[u64]) -> Vec<ArrayRef> {
        let (mut landings, mut events) = (StringBuilder::new(), StringBuilder::new());
        let mut received = TimestampMicrosecondBuilder::with_capacity(lines.len());
        for line in lines {
            match self.start(*line) {
                Some(start) => {
                    landings.append_value(start.landing.id.as_str());
                    // Written in place: a string of its own for each row would cost more than the rest. Memory does not fail.
                    let _ = write!(events, "{}", start.event(*line));
                    events.append_value("");
                    received.append_value(start.landing.received_at.micros());
                }
                None => {
                    landings.append_null();
                    events.append_null();
                    received.append_null();
                }
            }
        }
        vec![
            Arc::new(landings.finish()),
            new_null_array(&DataType::Utf8, lines.len()),
            new_null_array(&DataType::Int64, lines.len()),
            Arc::new(events.finish()),
            Arc::new(received.finish().with_timezone("UTC")),
        ]
    }

    /// A reject, with its place in the landing's own body; `None` where the line is in no landing.
    pub(super) fn reject(&self, rejected: Rejected) -> Option<Reject> {
        let start = self.start(rejected.place.line)?;
        let place =
            Place { line: rejected.place.line - start.line + 1, byte_offset: rejected.place.byte_offset.saturating_sub(start.offset) };
        Some(Reject {
            landing: start.landing.id.clone(),
            event: Some(start.event(rejected.place.line).to_string()),
            place,
            reason: rejected.reason,
            raw: String::from_utf8_lossy(&rejected.raw).into_owned(),
            bytes: i64::try_from(rejected.bytes).unwrap_or(i64::MAX),
        })
    }
}

impl Start {
    /// The event on a line of the text.
    fn event(&self, line: u64) -> EventId {
        let place = i64::try_from(line.saturating_sub(self.line)).unwrap_or(i64::MAX);
        EventId {
            dataset: self.landing.dataset.clone(),
            region: self.landing.region.clone(),
            seq: self.landing.first_seq.saturating_add(place),
        }
    }
}
