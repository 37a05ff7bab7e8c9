//! A column of lists. A list is written as a JSON array, also in a field of CSV.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, NullBufferBuilder};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Field;
use landfall_model::{Error, Result, Type};

use super::Cell;
use super::column::{Column, Take};
use crate::json::cell;
use crate::json::scan::{self, Scanner};
use crate::types::arrow_type;
use crate::value::Misfit;

pub struct List {
    field: Arc<Field>,
    items: Column,
    /// Items so far.
    count: usize,
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
    scratch: Vec<u8>,
}

impl List {
    pub fn new(item: &Type) -> List {
        let field = Arc::new(Field::new_list_field(arrow_type(item), true));
        List { field, items: Column::new(item), count: 0, offsets: vec![0], valid: NullBufferBuilder::new(0), scratch: Vec::new() }
    }

    fn close(&mut self, valid: bool) {
        // A batch holds far fewer items than 2^31: it is bounded in bytes.
        self.offsets.push(i32::try_from(self.count).unwrap_or(i32::MAX));
        self.valid.append(valid);
    }

    fn items(&mut self, array: &[u8]) -> Result<(), Misfit> {
        let mut misfit = None;
        let scanned = Scanner::new(array, 0).array(|scanner| {
            let start = scanner.at;
            let kind = scanner.value()?;
            self.scratch.clear();
            let cell = cell(&array[start..scanner.at], kind, &mut self.scratch);
            self.count += 1;
            if let Err(why) = self.items.take(cell) {
                self.items.take_null();
                misfit.get_or_insert(why);
            }
            Ok(())
        });
        match (scanned, misfit) {
            (Err(_), _) => Err(Misfit::Kind),
            (Ok(()), Some(why)) => Err(why),
            (Ok(()), None) => Ok(()),
        }
    }

    pub fn finish(&mut self) -> Result<ArrayRef> {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        self.count = 0;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let list = ListArray::try_new(self.field.clone(), offsets, self.items.finish()?, self.valid.finish());
        Ok(Arc::new(list.map_err(|error| Error::internal("building a list column", error))?))
    }
}

impl Take for List {
    /// Items of a list that does not fit stay in the items, in the range of a null that is taken out with its record.
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        let array = match cell {
            Cell::Null => {
                self.close(false);
                return Ok(());
            }
            Cell::Field(text) | Cell::String { text, .. } => {
                scan::whole(text).map_err(|_| Misfit::Kind)?;
                text.trim_ascii()
            }
            Cell::Nested(raw) => raw,
            Cell::Scalar(_) => return Err(Misfit::Kind),
        };
        self.items(array)?;
        self.close(true);
        Ok(())
    }

    fn take_null(&mut self) {
        self.close(false);
    }
}
