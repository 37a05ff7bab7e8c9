//! How a dataset's events become rows.

use std::sync::Arc;

use landfall_catalog::datasets::DatasetRecord;
use landfall_model::{Column, Columns, CsvSettings, DatasetName, Error, Result};

use crate::stage::transform::Transform;

/// A definition at one version, the columns that are fixed, and the transform checked against them.
pub struct Recipe {
    record: Arc<DatasetRecord>,
    columns: Columns,
    /// Why there is none although the definition has one: it does not fit the columns.
    transform: Result<Option<Transform>>,
}

impl Recipe {
    pub async fn of(record: &DatasetRecord) -> Result<Recipe> {
        Recipe::new(Arc::new(record.clone()), record.columns.clone()).await
    }

    /// The same definition after columns were added.
    pub async fn with_columns(&self, columns: Columns) -> Result<Recipe> {
        Recipe::new(Arc::clone(&self.record), columns).await
    }

    async fn new(record: Arc<DatasetRecord>, columns: Columns) -> Result<Recipe> {
        let transform = match &record.definition.transform {
            // Before anything landed there are no columns that it could be about.
            Some(sql) if !columns.list.is_empty() => match Transform::new(sql, &columns.list).await {
                Ok(transform) => Ok(Some(transform)),
                Err(error) if error.kind.is_passing() => return Err(error),
                Err(error) => Err(error),
            },
            _ => Ok(None),
        };
        Ok(Recipe { record, columns, transform })
    }

    /// True where rows made after this recipe are what `record` would make of the same events.
    pub fn serves(&self, record: &DatasetRecord) -> bool {
        self.record.version == record.version
    }

    pub fn dataset(&self) -> &DatasetName {
        &self.record.definition.name
    }

    pub(super) fn csv(&self) -> &CsvSettings {
        &self.record.definition.csv
    }

    /// The columns of the events.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The own columns of the table that the rows go into; none where the transform cannot run.
    pub fn table_columns(&self) -> &[Column] {
        match &self.transform {
            Ok(Some(transform)) => transform.columns(),
            Ok(None) => &self.columns.list,
            Err(_) => &[],
        }
    }

    pub(super) fn transform(&self) -> Result<Option<&Transform>, Error> {
        match &self.transform {
            Ok(transform) => Ok(transform.as_ref()),
            Err(error) => Err(error.clone()),
        }
    }
}
