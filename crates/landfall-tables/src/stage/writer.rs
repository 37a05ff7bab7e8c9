//! Batches to data files: Parquet, streamed into the store while it is made,
//! one file at a time. Each path is registered before its first byte is
//! written, so that a crash leaves nothing that nobody knows of.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use landfall_model::{DataFile, Result, limits};
use landfall_store::keys;
use parquet::arrow::ArrowWriter;

use super::outputs::Outputs;
use super::upload::BlockingUpload;
use super::{encoding, failed, file_stats};

/// Only for threads that may block. What it wrote is deleted by `Outputs::discard` if the staging fails.
pub(super) struct DataFileWriter {
    outputs: Outputs,
    open: Option<Open>,
    done: Vec<DataFile>,
    rows: i64,
}

struct Open {
    path: String,
    partition: String,
    schema: SchemaRef,
    parquet: ArrowWriter<BlockingUpload>,
    /// Columns that have held a NaN, which no minimum and maximum tells of.
    nan: BTreeSet<String>,
}

impl DataFileWriter {
    pub fn new(outputs: Outputs) -> DataFileWriter {
        DataFileWriter { outputs, open: None, done: Vec::new(), rows: 0 }
    }

    /// Adds rows of one partition; a new file begins where the partition or the columns change, or the last one is full.
    pub fn write(&mut self, partition: &str, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.open.as_ref().is_some_and(|open| open.partition != partition || open.schema != batch.schema() || open.is_full()) {
            self.close()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let open = self.begin(partition, batch)?;
                self.open.insert(open)
            }
        };
        let written = open.parquet.write(batch);
        if let Err(why) = written {
            return Err(open.parquet.inner_mut().error().unwrap_or_else(|| failed(&why)));
        }
        file_stats::note_nan(batch, &mut open.nan);
        self.rows += i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// All files, durable, and the rows that they hold.
    pub fn finish(mut self) -> Result<(Vec<DataFile>, i64)> {
        self.close()?;
        Ok((self.done, self.rows))
    }

    fn begin(&self, partition: &str, first: &RecordBatch) -> Result<Open> {
        let path = keys::data_file(self.outputs.manifest(), partition, self.done.len());
        let upload = self.outputs.begin(&format!("{}/{path}", self.outputs.target().root))?;
        let properties = encoding::properties(first)?;
        let parquet = ArrowWriter::try_new(upload, first.schema(), Some(properties)).map_err(|why| failed(&why))?;
        Ok(Open { path, partition: partition.to_owned(), schema: first.schema(), parquet, nan: BTreeSet::new() })
    }

    fn close(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let footer = match open.parquet.finish() {
            Ok(footer) => footer,
            Err(why) => return Err(open.parquet.inner_mut().error().unwrap_or_else(|| failed(&why))),
        };
        let stored = open.parquet.inner_mut().finish()?;
        let size = i64::try_from(stored.size).unwrap_or(i64::MAX);
        let rows = footer.file_metadata().num_rows();
        let stats = file_stats::stats(&footer, &open.schema, &open.nan);
        self.done.push(DataFile { path: open.path, partition: open.partition, size, rows, stats });
        Ok(())
    }
}

impl Open {
    fn is_full(&self) -> bool {
        self.parquet.bytes_written() + self.parquet.in_progress_size() >= limits::DATA_FILE_BYTES
    }
}
