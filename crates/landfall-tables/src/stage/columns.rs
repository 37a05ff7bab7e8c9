//! Columns that a file brings: decided once, in the catalog, then used by all.

use std::collections::BTreeSet;

use landfall_model::{Column, Columns, DatasetName, Error, ErrorKind, Result, limits};

use super::Staging;

impl Staging {
    /// The columns in force after `new` ones were offered; their version is above that of `columns`.
    pub(super) async fn extend(&self, dataset: &DatasetName, columns: &Columns, new: Vec<Column>) -> Result<Columns> {
        check(columns, &new)?;
        let fixed = self.0.catalog.extend_columns(dataset, columns.version, new).await?;
        if fixed.version == columns.version {
            return Err(Error::internal("fixing new columns", "the catalog has none to add, and the decoder found some"));
        }
        Ok(fixed)
    }
}

/// A table takes names that differ in case alone for one, and holds only so many.
fn check(columns: &Columns, new: &[Column]) -> Result<()> {
    let mut known: BTreeSet<String> = columns.list.iter().map(|column| column.name.to_lowercase()).collect();
    for column in new {
        if columns.get(&column.name).is_none() && !known.insert(column.name.to_lowercase()) {
            let message = format!("a column `{}` would differ only in case from another, and tables take such names for one", column.name);
            return Err(Error::new(ErrorKind::BadHeader, message));
        }
    }
    if known.len() > limits::COLUMNS_MAX {
        let message = format!("the table would have {} columns; at most {} are allowed", known.len(), limits::COLUMNS_MAX);
        return Err(Error::new(ErrorKind::BadHeader, message));
    }
    Ok(())
}
