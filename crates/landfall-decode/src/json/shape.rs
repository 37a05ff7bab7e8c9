//! Which column each name of a record means. Records of one origin name the
//! same things in the same order, so each name is first compared with the one
//! that stood at its place in the record before.

use std::collections::HashMap;

use landfall_model::{Columns, limits};

use crate::names::Names;

/// What a name in a record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The column of this index.
    Column(usize),
    /// Nothing: the columns are declared without it.
    Ignored,
    /// A column that the table lacks.
    New,
    /// It cannot name a column.
    Flawed,
}

/// Names that are remembered; a dataset whose records all have names of their own looks each of them up.
const REMEMBERED_MAX: usize = 2 * limits::COLUMNS_MAX;

pub struct Shape<'a> {
    columns: &'a Columns,
    names: Names<'a>,
    remembered: HashMap<Vec<u8>, Slot>,
    /// The names of the record before, with what they mean.
    order: Vec<(Vec<u8>, Slot)>,
}

impl<'a> Shape<'a> {
    pub fn new(columns: &'a Columns) -> Shape<'a> {
        Shape { columns, names: Names::new(columns), remembered: HashMap::new(), order: Vec::new() }
    }

    /// What the name at this place of a record means.
    #[inline]
    pub fn slot(&mut self, place: usize, name: &[u8]) -> Slot {
        match self.order.get(place) {
            Some((expected, slot)) if expected == name => *slot,
            _ => self.look_up(place, name),
        }
    }

    #[cold]
    fn look_up(&mut self, place: usize, name: &[u8]) -> Slot {
        let slot = match self.remembered.get(name) {
            Some(slot) => *slot,
            None => {
                let slot = self.resolve(name);
                if self.remembered.len() < REMEMBERED_MAX && name.len() <= limits::KEY_BYTES_MAX {
                    self.remembered.insert(name.to_vec(), slot);
                }
                slot
            }
        };
        if place < limits::COLUMNS_MAX && name.len() <= limits::KEY_BYTES_MAX {
            if self.order.len() <= place {
                self.order.resize(place + 1, (Vec::new(), Slot::Ignored));
                self.order[place].0 = name.to_vec();
            } else {
                self.order[place].0.clear();
                self.order[place].0.extend_from_slice(name);
            }
            self.order[place].1 = slot;
        }
        slot
    }

    fn resolve(&self, name: &[u8]) -> Slot {
        match std::str::from_utf8(name).ok().and_then(|name| self.names.find(name)) {
            Some(column) => Slot::Column(column),
            None if self.columns.declared => Slot::Ignored,
            None if self.flaw(name).is_some() => Slot::Flawed,
            None => Slot::New,
        }
    }

    /// Why `name` cannot become a column of the table.
    pub fn flaw(&self, name: &[u8]) -> Option<String> {
        let Ok(name) = std::str::from_utf8(name) else { return Some("the name of a column is UTF-8".into()) };
        if self.columns.list.len() >= limits::COLUMNS_MAX {
            let shown = crate::value::shown(name.as_bytes());
            return Some(format!("{shown:?} would be one column more than the {} that a table may have", limits::COLUMNS_MAX));
        }
        Columns::flaw(name)
    }
}
