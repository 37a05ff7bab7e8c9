//! Splits a block of CSV into records and fields, by RFC 4180 and as it is
//! found: any delimiter and quote, CRLF, LF or CR, blank lines skipped, a
//! quote that does not begin a field is a character like any other.
//!
//! A block always begins with a record. What is not a whole record at its
//! end is left for the next one, so any cut of a text gives the same records.

use landfall_model::limits;

use super::marks::{STEP, marks_at};
use crate::build::Flawed;

/// How fields are told apart. Both are ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: u8,
    pub quote: u8,
}

/// The records of one block.
#[derive(Default)]
pub struct Rows {
    /// Fields of each record.
    pub fields: usize,
    /// `fields` + 1 positions for each record: where each field begins, and last where a next one would. A field ends one
    /// byte before the next begins.
    pub bounds: Vec<u32>,
    /// Physical line on which each record starts.
    pub lines: Vec<u64>,
    /// Records that have another number of fields, or text behind a closing quote.
    pub flawed: Vec<Flawed>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    fn clear(&mut self, fields: usize) {
        self.fields = fields;
        self.bounds.clear();
        self.lines.clear();
        self.flawed.clear();
    }
}

/// How far a block was split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Bytes of the records that were found, and of the line breaks behind them.
    pub used: usize,
    /// Physical line on which the next record starts.
    pub line: u64,
    /// True if the block ends inside quotes.
    pub quoted: bool,
}

/// What to split, and how.
pub struct Task<'a> {
    pub dialect: Dialect,
    pub block: &'a [u8],
    /// True if no bytes follow the block.
    pub last: bool,
    /// Physical line that the block begins on.
    pub line: u64,
    /// Fields that each record should have; `None`: as many as the first has.
    pub fields: Option<usize>,
    /// Records to stop after.
    pub records_max: usize,
    /// What the number of fields was told by, for the reason of a reject.
    pub counted_by: &'static str,
}

/// Splits the block into `rows`.
pub fn split(task: &Task<'_>, rows: &mut Rows) -> Split {
    rows.clear(task.fields.unwrap_or(0));
    let walk = Walk {
        fields: task.fields,
        row_start: 0,
        field_start: 0,
        first_bound: 0,
        count: 0,
        line: task.line,
        next_line: task.line,
        skip: 0,
        quoted: false,
        torn: false,
        task,
        rows,
    };
    walk.run()
}

/// The state between two marks.
struct Walk<'a> {
    task: &'a Task<'a>,
    rows: &'a mut Rows,
    fields: Option<usize>,
    row_start: usize,
    field_start: usize,
    /// Where the bounds of this record begin.
    first_bound: usize,
    /// Fields of this record that have ended.
    count: usize,
    /// Lines on which this record starts, and on which the walk is.
    line: u64,
    next_line: u64,
    /// Marks before this are dealt with.
    skip: usize,
    quoted: bool,
    /// True if text follows a closing quote.
    torn: bool,
}

impl Walk<'_> {
    fn run(mut self) -> Split {
        let Dialect { delimiter, quote } = self.task.dialect;
        let block = self.task.block;
        let wanted = [delimiter, quote, b'\n', b'\r'];
        self.rows.bounds.push(0);
        let mut base = 0;
        while base < block.len() {
            let mut mask = marks_at(block, base, wanted);
            while mask != 0 {
                let at = base + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                if at < self.skip {
                    continue;
                }
                let byte = block[at];
                let more = if self.quoted {
                    self.inside_quotes(at, byte)
                } else if byte == delimiter {
                    self.end_field(at);
                    true
                } else if byte == quote {
                    self.quoted = at == self.field_start;
                    true
                } else {
                    self.line_break(at, byte)
                };
                if !more {
                    return self.stop();
                }
            }
            base += STEP;
        }
        if self.task.last && !self.quoted && (self.count > 0 || self.row_start < block.len()) {
            self.end_record(block.len());
            self.row_start = block.len();
            self.line = self.next_line;
        }
        self.stop()
    }

    fn stop(self) -> Split {
        // What was begun and not ended is not part of the rows.
        self.rows.bounds.truncate(self.first_bound);
        Split { used: self.row_start, line: self.line, quoted: self.quoted }
    }

    #[inline]
    fn end_field(&mut self, at: usize) {
        self.count += 1;
        self.field_start = at + 1;
        // A record that has too many fields already keeps no more of them.
        if self.fields.is_none_or(|fields| self.count <= fields) {
            self.rows.bounds.push(u32::try_from(at + 1).unwrap_or(u32::MAX));
        }
    }

    /// A mark inside quotes. False: the block has to be longer to tell what it means.
    fn inside_quotes(&mut self, at: usize, byte: u8) -> bool {
        let next = self.task.block.get(at + 1).copied();
        if byte == self.task.dialect.quote {
            match next {
                Some(byte) if byte == self.task.dialect.quote => self.skip = at + 2,
                None if !self.task.last => return false,
                next => {
                    self.quoted = false;
                    let ends = next.is_none_or(|byte| byte == self.task.dialect.delimiter || byte == b'\n' || byte == b'\r');
                    self.torn |= !ends;
                    // A quote right behind this one was dealt with above; any later one is inside the torn field.
                }
            }
        } else if byte == b'\n' || (byte == b'\r' && next != Some(b'\n')) {
            self.next_line += 1;
        }
        true
    }

    /// A line break outside of quotes. False: enough records, or the block has to be longer to tell CR from CRLF.
    #[inline]
    fn line_break(&mut self, at: usize, byte: u8) -> bool {
        let mut next = at + 1;
        if byte == b'\r' {
            match self.task.block.get(next) {
                Some(b'\n') => next += 1,
                None if !self.task.last => return false,
                _ => {}
            }
        }
        if self.count > 0 || at > self.row_start {
            self.end_record(at);
        }
        self.next_line += 1;
        self.line = self.next_line;
        self.skip = next;
        self.row_start = next;
        self.field_start = next;
        if self.rows.lines.len() + self.rows.flawed.len() >= self.task.records_max {
            return false;
        }
        self.rows.bounds.truncate(self.first_bound);
        self.rows.bounds.push(u32::try_from(next).unwrap_or(u32::MAX));
        true
    }

    #[inline]
    fn end_record(&mut self, at: usize) {
        self.end_field(at);
        let fields = *self.fields.get_or_insert(self.count);
        if self.count == fields && !self.torn {
            self.rows.lines.push(self.line);
            self.rows.fields = fields;
            self.first_bound = self.rows.bounds.len();
        } else {
            self.flaw(at, fields);
        }
        self.count = 0;
        self.torn = false;
    }

    #[cold]
    fn flaw(&mut self, at: usize, fields: usize) {
        let reason = if self.torn {
            let quote = self.task.dialect.quote as char;
            format!("text follows a closing {quote}; inside quotes a {quote} is written twice")
        } else {
            let s = if self.count == 1 { "" } else { "s" };
            format!("row has {} field{s}, the {} has {fields}", self.count, self.task.counted_by)
        };
        self.rows.flawed.push(Flawed { span: self.row_start..at, line: self.line, reason });
    }
}

/// Moves records that are not UTF-8 to the flawed ones.
pub fn check_utf8(block: &[u8], used: usize, rows: &mut Rows) {
    if simdutf8::basic::from_utf8(&block[..used]).is_ok() {
        return;
    }
    let stride = rows.fields + 1;
    let mut kept = 0;
    for row in 0..rows.len() {
        let bounds = row * stride..(row + 1) * stride;
        let span = rows.bounds[bounds.start] as usize..rows.bounds[bounds.end - 1] as usize - 1;
        match simdutf8::compat::from_utf8(&block[span.clone()]) {
            Ok(_) => {
                rows.bounds.copy_within(bounds, kept * stride);
                rows.lines[kept] = rows.lines[row];
                kept += 1;
            }
            Err(error) => {
                let at = error.valid_up_to();
                let reason = format!(
                    "byte 0x{:02x} at {at} of the record is not UTF-8; other encodings are set with csv.encoding",
                    block[span.start + at]
                );
                rows.flawed.push(Flawed { span, line: rows.lines[row], reason });
            }
        }
    }
    rows.bounds.truncate(kept * stride);
    rows.lines.truncate(kept);
}

/// True if a record goes on that is longer than any may be.
pub fn too_long(block: &[u8], used: usize) -> bool {
    block.len() - used >= limits::RECORD_BYTES_MAX
}
