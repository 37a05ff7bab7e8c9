//! Framed JSON records as a table of cells: one pass over a record checks it
//! and notes where the value of each column stands.

use std::ops::Range;

use super::frame::Frame;
use super::scan::{self, Fault, Kind, Scanned, Scanner};
use super::shape::{Shape, Slot};
use super::string::unescape;
use crate::build::{Cell, Cells};
use crate::survey::Survey;

/// Where a value stands in its block; nowhere while `end` is 0.
#[derive(Clone, Copy, Default)]
struct Span {
    start: u32,
    end: u32,
    kind: Kind,
}

impl Span {
    fn new(start: usize, end: usize, kind: Kind) -> Span {
        // A block is at most as long as a record may be, far below 4 GiB.
        Span { start: u32::try_from(start).unwrap_or(0), end: u32::try_from(end).unwrap_or(0), kind }
    }
}

/// The records of one block that are rows.
pub struct JsonRows {
    columns: usize,
    /// `columns` spans for each row.
    spans: Vec<Span>,
    frames: Vec<Frame>,
    scratch: Vec<u8>,
}

/// What a record turned out to be.
pub enum Read {
    Row,
    /// It has a value under a name that the table lacks.
    NewName,
    /// It is JSON, and no row.
    Flawed(String),
    /// It is not JSON.
    Broken(Fault),
}

impl JsonRows {
    pub fn new(columns: usize) -> JsonRows {
        JsonRows { columns, spans: Vec::new(), frames: Vec::new(), scratch: Vec::new() }
    }

    pub fn clear(&mut self) {
        self.spans.clear();
        self.frames.clear();
    }

    /// Reads one record; if it is a row it is added.
    pub fn read(&mut self, block: &[u8], frame: &Frame, shape: &mut Shape<'_>) -> Read {
        let base = self.spans.len();
        self.spans.resize(base + self.columns, Span::default());
        let read = self.spans(block, frame, shape, base).unwrap_or_else(Read::Broken);
        match read {
            Read::Row => self.frames.push(frame.clone()),
            _ => self.spans.truncate(base),
        }
        read
    }

    fn spans(&mut self, block: &[u8], frame: &Frame, shape: &mut Shape<'_>, base: usize) -> Scanned<Read> {
        let text = &block[..frame.span.end];
        if let Some(reason) = no_object(text, frame)? {
            return Ok(Read::Flawed(reason));
        }
        let (mut place, mut new, mut flaw) = (0, false, None);
        let (spans, scratch) = (&mut self.spans[base..], &mut self.scratch);
        let mut scanner = Scanner::new(text, frame.span.start);
        scanner.object(|scanner, key, key_kind| {
            let name = name(text, key, key_kind, scratch);
            let start = scanner.at;
            let kind = scanner.value()?;
            match shape.slot(place, name) {
                Slot::Column(column) if spans[column].end == 0 => spans[column] = Span::new(start, scanner.at, kind),
                Slot::Column(_) => flaw = Some(format!("{:?} is named twice in one object", crate::value::shown(name))),
                Slot::New => new |= kind != Kind::Null,
                Slot::Flawed => flaw = shape.flaw(name),
                Slot::Ignored => {}
            }
            place += 1;
            Ok(())
        })?;
        finish(&mut scanner, text)?;
        Ok(match flaw {
            Some(reason) => Read::Flawed(reason),
            None if new => Read::NewName,
            None => Read::Row,
        })
    }

    pub fn cells<'a>(&'a self, block: &'a [u8]) -> JsonCells<'a> {
        JsonCells { block, rows: self }
    }
}

/// Shows the survey the values of a record whose names the table lacks.
pub fn look(block: &[u8], frame: &Frame, shape: &mut Shape<'_>, survey: &mut Survey) -> Scanned<()> {
    let text = &block[..frame.span.end];
    if no_object(text, frame)?.is_some() {
        return Ok(());
    }
    let mut found: Vec<(Range<usize>, Kind, Range<usize>, Kind)> = Vec::new();
    let (mut place, mut flawed, mut scratch) = (0, false, Vec::new());
    let mut scanner = Scanner::new(text, frame.span.start);
    scanner.object(|scanner, key, key_kind| {
        let slot = shape.slot(place, name(text, key.clone(), key_kind, &mut scratch));
        let start = scanner.at;
        let kind = scanner.value()?;
        flawed |= slot == Slot::Flawed;
        if slot == Slot::New && kind != Kind::Null {
            found.push((key, key_kind, start..scanner.at, kind));
        }
        place += 1;
        Ok(())
    })?;
    finish(&mut scanner, text)?;
    // A record that will be a reject adds no columns.
    for (key, key_kind, value, kind) in found.into_iter().filter(|_| !flawed) {
        if let Some(column) = survey.column(name(text, key, key_kind, &mut scratch)) {
            survey.guess(column).see(cell(&text[value], kind, &mut Vec::new()));
        }
    }
    Ok(())
}

fn name<'a>(text: &'a [u8], key: Range<usize>, kind: Kind, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    if kind == Kind::Plain {
        return &text[key];
    }
    scratch.clear();
    unescape(&text[key], scratch);
    scratch
}

/// Why the record is none, if it is JSON but not an object.
fn no_object(text: &[u8], frame: &Frame) -> Scanned<Option<String>> {
    let what = match text[frame.span.start] {
        b'{' => return Ok(None),
        b'[' => "an array",
        b'"' => "a string",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        _ => "a number",
    };
    let checked = scan::whole(&text[frame.span.clone()]);
    checked.map_err(|fault| Fault { at: fault.at + frame.span.start, ..fault })?;
    Ok(Some(format!("a record is a JSON object, and this is {what}")))
}

fn finish(scanner: &mut Scanner<'_>, text: &[u8]) -> Scanned<()> {
    scanner.space();
    if scanner.at < text.len() { scanner.fault("nothing behind the object") } else { Ok(()) }
}

/// The cell of a JSON value that was scanned.
#[inline]
pub fn cell<'a>(raw: &'a [u8], kind: Kind, scratch: &'a mut Vec<u8>) -> Cell<'a> {
    match kind {
        Kind::Null => Cell::Null,
        Kind::Boolean | Kind::Number => Cell::Scalar(raw),
        Kind::Array | Kind::Object => Cell::Nested(raw),
        Kind::Plain => Cell::String { text: &raw[1..raw.len() - 1], raw },
        Kind::Escaped => {
            scratch.clear();
            unescape(&raw[1..raw.len() - 1], scratch);
            Cell::String { text: scratch, raw }
        }
    }
}

pub struct JsonCells<'a> {
    block: &'a [u8],
    rows: &'a JsonRows,
}

impl Cells for JsonCells<'_> {
    fn rows(&self) -> usize {
        self.rows.frames.len()
    }

    #[inline]
    fn cell<'a>(&'a self, row: usize, source: usize, _text: bool, scratch: &'a mut Vec<u8>) -> Cell<'a> {
        let span = self.rows.spans[row * self.rows.columns + source];
        cell(&self.block[span.start as usize..span.end as usize], span.kind, scratch)
    }

    fn line(&self, row: usize) -> u64 {
        self.rows.frames[row].line
    }

    fn span(&self, row: usize) -> Range<usize> {
        self.rows.frames[row].span.clone()
    }

    fn block(&self) -> &[u8] {
        self.block
    }
}
