//! A block of CSV records as a table of cells: quotes taken off, nulls told.

use std::ops::Range;

use landfall_model::CsvSettings;

use super::split::{Dialect, Rows};
use crate::build::{Cell, Cells};

/// Which fields mean null, beside the empty one.
pub struct Nulls {
    words: Vec<Vec<u8>>,
    /// True if the words are null in columns of text, too.
    in_text: bool,
    /// One bit for each length that a word has, so that most fields are compared with none.
    lengths: u64,
}

impl Nulls {
    pub fn new(settings: &CsvSettings) -> Nulls {
        let words: Vec<Vec<u8>> = match &settings.null {
            Some(words) => words.iter().map(|word| word.clone().into_bytes()).collect(),
            None => vec![b"NA".to_vec()],
        };
        let lengths = words.iter().fold(0, |lengths, word| lengths | 1 << word.len().min(63));
        Nulls { words, in_text: settings.null.is_some(), lengths }
    }

    #[inline]
    fn hold(&self, field: &[u8], text: bool) -> bool {
        self.lengths >> field.len().min(63) & 1 == 1 && (self.in_text || !text) && self.words.iter().any(|word| word == field)
    }
}

pub struct CsvCells<'a> {
    pub block: &'a [u8],
    pub rows: &'a Rows,
    pub dialect: Dialect,
    pub nulls: &'a Nulls,
}

impl Cells for CsvCells<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    #[inline]
    fn cell<'a>(&'a self, row: usize, source: usize, text: bool, scratch: &'a mut Vec<u8>) -> Cell<'a> {
        let at = row * (self.rows.fields + 1) + source;
        let field = &self.block[self.rows.bounds[at] as usize..self.rows.bounds[at + 1] as usize - 1];
        match field.first() {
            None => Cell::Null,
            Some(first) if *first == self.dialect.quote && field.len() > 1 => {
                let inside = unquoted(&field[1..field.len() - 1], self.dialect.quote, scratch);
                // A quoted empty field is an empty text; other types have no empty value. Quoted words mean themselves.
                if inside.is_empty() && !text { Cell::Null } else { Cell::Field(inside) }
            }
            Some(_) if self.nulls.hold(field, text) => Cell::Null,
            Some(_) => Cell::Field(field),
        }
    }

    fn line(&self, row: usize) -> u64 {
        self.rows.lines[row]
    }

    fn span(&self, row: usize) -> Range<usize> {
        let stride = self.rows.fields + 1;
        self.rows.bounds[row * stride] as usize..self.rows.bounds[(row + 1) * stride - 1] as usize - 1
    }

    fn block(&self) -> &[u8] {
        self.block
    }
}

/// What was between the quotes, with each doubled quote once.
#[inline]
pub fn unquoted<'a>(inside: &'a [u8], quote: u8, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let Some(first) = memchr::memchr(quote, inside) else { return inside };
    scratch.clear();
    let (mut rest, mut at) = (inside, first);
    loop {
        scratch.extend_from_slice(&rest[..=at]);
        rest = rest.get(at + 2..).unwrap_or_default();
        match memchr::memchr(quote, rest) {
            Some(next) => at = next,
            None => break,
        }
    }
    scratch.extend_from_slice(rest);
    scratch
}
