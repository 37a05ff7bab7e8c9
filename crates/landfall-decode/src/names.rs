//! Finds the column that a name in the input means: the one of exactly that
//! name, or else the one that differs only in case, as SQL and the open table
//! format cannot hold both.

use std::collections::HashMap;

use landfall_model::Columns;

pub struct Names<'a> {
    exact: HashMap<&'a str, usize>,
    folded: HashMap<String, usize>,
}

impl<'a> Names<'a> {
    pub fn new(columns: &'a Columns) -> Names<'a> {
        let names = || columns.list.iter().map(|column| column.name.as_str()).enumerate();
        // Of names that differ only in case the first is meant.
        let folded = names().rev().map(|(index, name)| (name.to_lowercase(), index)).collect();
        Names { exact: names().map(|(index, name)| (name, index)).collect(), folded }
    }

    /// The index of the column of exactly this name.
    pub fn exact(&self, name: &str) -> Option<usize> {
        self.exact.get(name).copied()
    }

    /// The index of the column of this name in any case.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.exact(name).or_else(|| self.folded.get(&name.to_lowercase()).copied())
    }
}
