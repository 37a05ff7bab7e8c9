//! Finds out which columns a content suggests beside those that are fixed.

mod guess;

use std::collections::HashMap;

use landfall_model::{Column, limits};

pub use guess::Guess;

/// Columns that were found, in the order in which they came up.
pub struct Survey {
    found: Vec<(String, Guess)>,
    /// By name as it came up first, and in lower case.
    index: HashMap<Vec<u8>, usize>,
    /// Names that the table can still take.
    room: usize,
    /// Bytes of text that may still be looked at.
    left: u64,
    /// True if names are looked for in the whole content, however large.
    thorough: bool,
}

impl Survey {
    /// Looks at `INFER_BYTES_MAX` of the text.
    pub fn bounded(known: usize) -> Survey {
        let room = limits::COLUMNS_MAX.saturating_sub(known);
        Survey { found: Vec::new(), index: HashMap::new(), room, left: limits::INFER_BYTES_MAX, thorough: false }
    }

    /// Finds every name, wherever it comes up.
    pub fn thorough(known: usize) -> Survey {
        Survey { thorough: true, ..Survey::bounded(known) }
    }

    /// The guess for the column `name`, in any case; none where the table is full.
    pub fn column(&mut self, name: &[u8]) -> Option<usize> {
        if let Some(index) = self.index.get(name) {
            return Some(*index);
        }
        let name = std::str::from_utf8(name).ok()?;
        let folded = name.to_lowercase();
        if let Some(index) = self.index.get(folded.as_bytes()) {
            return Some(*index);
        }
        if self.found.len() >= self.room {
            return None;
        }
        let index = self.found.len();
        self.found.push((name.to_owned(), Guess::default()));
        self.index.insert(name.as_bytes().to_vec(), index);
        self.index.insert(folded.into_bytes(), index);
        Some(index)
    }

    pub fn guess(&mut self, column: usize) -> &mut Guess {
        &mut self.found[column].1
    }

    /// Counts bytes that were looked at.
    pub fn looked_at(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes as u64);
    }

    /// True if enough was seen to choose types by.
    pub fn is_sated(&self) -> bool {
        self.left == 0
    }

    /// True if nothing more is to be looked at, whatever names it may hold.
    pub fn is_done(&self) -> bool {
        self.left == 0 && !self.thorough
    }

    /// The columns; those that never had a value are left out, as nothing says what they will hold.
    pub fn finish(self, events: bool) -> Vec<Column> {
        let columns = self.found.into_iter().filter_map(|(name, guess)| guess.kind(events).map(|kind| Column { name, kind }));
        columns.collect()
    }
}
