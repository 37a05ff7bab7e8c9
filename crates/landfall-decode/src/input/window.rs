//! A window that moves over a text: one buffer that holds the records being
//! looked at and grows only for a record that is larger than it.

use std::io::{ErrorKind, Read};

use landfall_model::{Error, Result};

use super::{broken_off, read_error};

/// Bytes of the buffer at first: a block that stays in the processor's cache while each column goes over it.
const BLOCK_BYTES: usize = 256 << 10;

pub struct Window<'a> {
    reader: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Position in the text of `buffer[start]`.
    offset: u64,
    ended: bool,
    /// Why nothing more can be read; told once what came before it was looked at.
    failed: Option<Error>,
}

impl<'a> Window<'a> {
    /// `offset`: bytes of the text that were left out before it (a byte order mark).
    pub fn new(reader: Box<dyn Read + 'a>, offset: u64) -> Window<'a> {
        Window { reader, buffer: vec![0; BLOCK_BYTES], start: 0, end: 0, offset, ended: false, failed: None }
    }

    /// A window on a text of known `size` in bytes, with no more room than it needs.
    pub fn sized(reader: Box<dyn Read + 'a>, size: u64) -> Window<'a> {
        let room = usize::try_from(size.saturating_add(1)).unwrap_or(usize::MAX).min(BLOCK_BYTES);
        Window { reader, buffer: vec![0; room], start: 0, end: 0, offset: 0, ended: false, failed: None }
    }

    /// What can be seen.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Position in the text of the first byte that can be seen.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// True when the text has nothing behind what can be seen.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Moves the window's start forward.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads on until the buffer is full or the text ends; a buffer that is full already becomes twice as large.
    ///
    /// Where the text breaks off, what came before is seen first; the call after that gives the error, placed at the
    /// window's start, which is on `line`.
    pub fn fill(&mut self, line: u64) -> Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(broken_off(error, line, self.offset));
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let before = self.end;
        while !self.ended && self.failed.is_none() && self.end < self.buffer.len() {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.failed = Some(read_error(error)),
            }
        }
        if self.failed.is_some() && self.end == before { self.fill(line) } else { Ok(()) }
    }
}
