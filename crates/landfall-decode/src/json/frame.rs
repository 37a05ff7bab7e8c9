//! Cuts a text of JSON into records without looking into them.

use std::ops::Range;

use landfall_model::{Error, ErrorKind, Result, limits};

use super::scan::{self, Extent};
use crate::build::Flawed;
use crate::input::Window;

/// How records follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One a line.
    Lines,
    /// As the elements of one array.
    Array,
    /// One after another, over several lines each.
    Objects,
}

/// One record: where it stands in its block, and the physical line on which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub span: Range<usize>,
    pub line: u64,
}

/// Where in an array the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Before,
    /// Behind `[`: an element or `]`.
    First,
    /// Behind `,`: an element.
    Element,
    /// Behind an element: `,` or `]`.
    Behind,
    /// Behind `]`: nothing.
    After,
}

pub struct Framer {
    pub framing: Framing,
    pub frames: Vec<Frame>,
    pub flawed: Vec<Flawed>,
    within: Within,
    /// Line on which the window starts.
    line: u64,
}

/// What was found at a place of the block.
enum Found {
    /// A record, and where the next thing begins.
    Record(Range<usize>, usize),
    /// Something else that was passed.
    Passed(usize),
    /// The block ends before it can be told.
    Open,
}

impl Framer {
    pub fn new(framing: Framing) -> Framer {
        Framer { framing, frames: Vec::new(), flawed: Vec::new(), within: Within::Before, line: 1 }
    }

    /// Frames the next records, at most `records_max` and all of them whole; gives the bytes that they and what parts them
    /// take. None are framed at the end of the text.
    pub fn frame(&mut self, text: &mut Window<'_>, records_max: usize) -> Result<usize> {
        self.frames.clear();
        self.flawed.clear();
        loop {
            let used = self.block(text.bytes(), text.ended(), text.offset(), records_max)?;
            if !self.frames.is_empty() {
                return Ok(used);
            }
            text.consume(used);
            if text.ended() {
                let cut = !text.bytes().is_empty() || (self.framing == Framing::Array && self.within != Within::After);
                return if cut { Err(self.syntax("the file ends in its middle: it was cut off", text.offset())) } else { Ok(0) };
            }
            if text.bytes().len() >= limits::RECORD_BYTES_MAX {
                let message = format!("a record has more than {} bytes, and that is the most", limits::RECORD_BYTES_MAX);
                return Err(Error::new(ErrorKind::RecordTooLarge, message).at(self.line, text.offset()));
            }
            text.fill(self.line)?;
        }
    }

    fn block(&mut self, block: &[u8], last: bool, offset: u64, records_max: usize) -> Result<usize> {
        let mut at = 0;
        while at < block.len() && self.frames.len() < records_max {
            let here = offset + at as u64;
            let found = match self.framing {
                Framing::Lines => line(block, at, last),
                Framing::Objects => self.object(block, at, last, here)?,
                Framing::Array => self.element(block, at, here)?,
            };
            let next = match found {
                Found::Open => break,
                Found::Passed(next) => next,
                Found::Record(span, next) => {
                    self.frames.push(Frame { span, line: self.line });
                    next
                }
            };
            self.line += match self.framing {
                Framing::Lines => u64::from(block[next - 1] == b'\n'),
                _ => memchr::memchr_iter(b'\n', &block[at..next]).count() as u64,
            };
            at = next;
        }
        Ok(at)
    }

    fn object(&self, block: &[u8], at: usize, last: bool, here: u64) -> Result<Found> {
        match block[at] {
            byte if byte.is_ascii_whitespace() => Ok(Found::Passed(space(block, at))),
            b',' | b'}' | b']' => Err(self.syntax("expected an object", here)),
            _ => match self.extent(block, at, here)? {
                // A number or a word at the end is told by the end.
                Found::Open if last && !matches!(block[at], b'{' | b'[' | b'"') => Ok(Found::Record(at..block.len(), block.len())),
                found => Ok(found),
            },
        }
    }

    fn element(&mut self, block: &[u8], at: usize, here: u64) -> Result<Found> {
        let byte = block[at];
        if byte.is_ascii_whitespace() {
            return Ok(Found::Passed(space(block, at)));
        }
        self.within = match (self.within, byte) {
            (Within::Before, b'[') => Within::First,
            (Within::First | Within::Behind, b']') => Within::After,
            (Within::Behind, b',') => Within::Element,
            (Within::Before, _) => return Err(self.syntax("expected `[`", here)),
            (Within::Behind, _) => return Err(self.syntax("expected `,` or `]`", here)),
            (Within::After, _) => return Err(self.syntax("expected nothing behind the array", here)),
            (Within::First | Within::Element, b',' | b'}' | b']') => return Err(self.syntax("expected an object", here)),
            (Within::First | Within::Element, _) => {
                let found = self.extent(block, at, here)?;
                if let Found::Record(..) = found {
                    self.within = Within::Behind;
                }
                return Ok(found);
            }
        };
        Ok(Found::Passed(at + 1))
    }

    fn extent(&self, block: &[u8], at: usize, here: u64) -> Result<Found> {
        match scan::extent(block, at) {
            Ok(Extent::Ends(end)) => Ok(Found::Record(at..end, end)),
            Ok(Extent::Open) => Ok(Found::Open),
            Err(_) => Err(too_deep().at(self.line, here)),
        }
    }

    fn syntax(&self, what: &str, here: u64) -> Error {
        Error::new(ErrorKind::Syntax, format!("not JSON: {what}")).at(self.line, here)
    }
}

/// What a record is refused for, with its file, that nests too deep.
pub fn too_deep() -> Error {
    let levels = limits::JSON_DEPTH_MAX;
    let message = format!("a record nests more than {levels} arrays and objects; flatten it, or keep the inner part as a string");
    Error::new(ErrorKind::TooDeep, message)
}

fn line(block: &[u8], at: usize, last: bool) -> Found {
    let (end, next) = match memchr::memchr(b'\n', &block[at..]) {
        Some(length) => (at + length, at + length + 1),
        None if last => (block.len(), block.len()),
        None => return Found::Open,
    };
    let start = end - block[at..end].trim_ascii_start().len();
    if start == end { Found::Passed(next) } else { Found::Record(start..start + block[start..end].trim_ascii_end().len(), next) }
}

fn space(block: &[u8], at: usize) -> usize {
    block.len() - block[at..].trim_ascii_start().len()
}
