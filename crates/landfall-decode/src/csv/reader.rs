//! Moves a window over a text of CSV, a block of whole records at a time.

use landfall_model::{Error, ErrorKind, Place, Result, limits};

use super::split::{self, Dialect, Rows, Split, Task, split};
use crate::input::Window;

pub struct Reader<'t, 'w> {
    text: &'t mut Window<'w>,
    pub dialect: Dialect,
    pub rows: Rows,
    /// Line on which the window starts.
    line: u64,
    split: Split,
    counted_by: &'static str,
}

impl<'t, 'w> Reader<'t, 'w> {
    pub fn new(text: &'t mut Window<'w>, dialect: Dialect) -> Reader<'t, 'w> {
        let split = Split { used: 0, line: 1, quoted: false };
        Reader { text, dialect, rows: Rows::default(), line: 1, split, counted_by: "first row" }
    }

    /// What tells how many fields a record has, for messages.
    pub fn counted_by(&mut self, what: &'static str) {
        self.counted_by = what;
    }

    /// Splits the next records, at most `records_max`, into `rows`; false when there are none. The same block again until
    /// `next_block`.
    pub fn read(&mut self, fields: Option<usize>, records_max: usize) -> Result<bool> {
        loop {
            let task = Task {
                dialect: self.dialect,
                block: self.text.bytes(),
                last: self.text.ended(),
                line: self.line,
                fields,
                records_max,
                counted_by: self.counted_by,
            };
            self.split = split(&task, &mut self.rows);
            if self.rows.len() + self.rows.flawed.len() > 0 {
                return Ok(true);
            }
            // Blank lines are not looked at twice.
            self.next_block();
            if self.text.ended() {
                return if self.split.quoted { Err(self.place(self.unclosed())) } else { Ok(false) };
            }
            if split::too_long(self.text.bytes(), 0) {
                return Err(self.place(self.too_long()));
            }
            self.text.fill(self.line)?;
        }
    }

    fn unclosed(&self) -> Error {
        let quote = self.dialect.quote as char;
        let message = format!("a {quote} opens a field in this record and is never closed; inside quotes a {quote} is written twice");
        Error::new(ErrorKind::UnclosedQuote, message)
    }

    fn too_long(&self) -> Error {
        if self.split.quoted {
            return self.unclosed();
        }
        let message = format!(
            "a record has more than {} bytes, and that is the most; is this the right delimiter and format?",
            limits::RECORD_BYTES_MAX
        );
        Error::new(ErrorKind::RecordTooLarge, message)
    }

    /// Rejects records of the block that are not UTF-8.
    pub fn check_utf8(&mut self) {
        split::check_utf8(self.text.bytes(), self.split.used, &mut self.rows);
    }

    /// Leaves the block behind.
    pub fn next_block(&mut self) {
        self.text.consume(self.split.used);
        self.line = self.split.line;
        self.split.used = 0;
    }

    pub fn block(&self) -> &[u8] {
        self.text.bytes()
    }

    /// Bytes of the block.
    pub fn used(&self) -> usize {
        self.split.used
    }

    /// Position of the block in the text.
    pub fn offset(&self) -> u64 {
        self.text.offset()
    }

    /// Where the record is that the block starts with.
    pub fn here(&self) -> Place {
        Place { line: self.line, byte_offset: self.text.offset() }
    }

    /// The error, at the record that the block starts with.
    pub fn place(&self, error: Error) -> Error {
        let here = self.here();
        error.at(here.line, here.byte_offset)
    }
}
