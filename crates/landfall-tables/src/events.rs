//! Events to rows: the one way, whether they are staged for a load or shown in
//! the live view, so that a load changes nothing that a query says.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, SchemaRef};
use bytes::Bytes;
use landfall_catalog::Catalog;
use landfall_catalog::datasets::DatasetRecord;
use landfall_decode::{Content, Decoded, Options, Outcome, Rejected, decode};
use landfall_model::{Column, Columns, CsvSettings, Dataset, Error, ErrorKind, EventId, Landing, LandingId, Place, Reject, Result, limits};

use crate::delta::table_schema;

/// How a dataset's events become rows: its definition, and the columns that are fixed.
#[derive(Clone, Debug)]
pub struct Recipe {
    definition: Arc<DatasetRecord>,
    columns: Columns,
}

impl Recipe {
    pub async fn of(record: &DatasetRecord) -> Result<Recipe> {
        Ok(Recipe { definition: Arc::new(record.clone()), columns: record.columns.clone() })
    }

    /// True where rows made after this recipe are what `record` would make of the same events.
    pub fn serves(&self, record: &DatasetRecord) -> bool {
        self.definition.version == record.version && self.columns.declared == record.columns.declared
    }

    /// The own columns of the table that the rows go into.
    pub fn table_columns(&self) -> &[Column] {
        &self.columns.list
    }

    fn dataset(&self) -> &Dataset {
        &self.definition.definition
    }
}

/// What a run of batches came to.
#[derive(Debug)]
pub struct Events {
    /// Own columns and the system's, as `delta::table_schema` has them, in the order of the events.
    pub rows: RecordBatch,
    pub rejects: Vec<Reject>,
}
