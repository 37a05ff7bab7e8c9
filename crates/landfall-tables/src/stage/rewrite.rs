//! Rewriting: rows of data files that stay, in their order, in new files of the
//! same partitions. Memory is that of one batch and of one row group.

use std::sync::Arc;

use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use landfall_model::{DataFile, Error, ErrorKind, ManifestId, Result, limits};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;

use super::object_reader::ObjectReader;
use super::piece::{Piece, writer};
use super::{Staging, Target, failed, fed};
use crate::delta::{File, Leaving};
use crate::fit::fit;

/// New files, durable and registered under `id`, which nothing names yet.
#[derive(Debug)]
pub struct Rewritten {
    pub id: ManifestId,
    pub files: Vec<DataFile>,
}

impl Staging {
    /// Writes what stays of `files` anew, under the columns of `schema`. Files stand in the order in which their rows shall.
    pub fn rewrite<'a>(
        &'a self,
        target: &'a Target,
        files: Vec<Arc<File>>,
        leaving: Leaving,
        schema: SchemaRef,
    ) -> BoxFuture<'a, Result<Rewritten>> {
        Box::pin(async move {
            let id = ManifestId::new(&self.0.clock);
            let (pieces, writing) = writer(self.outputs(target, &id));
            let (store, root, runtime) = (self.0.store.clone(), target.root.clone(), Handle::current());
            let copying = tokio::task::spawn_blocking(move || {
                for file in &files {
                    let size = u64::try_from(file.data.size).unwrap_or(0);
                    let key = format!("{root}/{}", file.data.path);
                    copy(ObjectReader { store: store.clone(), key, size, runtime: runtime.clone() }, file, &leaving, &schema, &pieces)?;
                }
                fed(pieces.blocking_send(Piece::Finish))
            });
            let copied = copying.await.map_err(|why| failed(&why))?;
            let written = writing.await.map_err(|why| failed(&why))??;
            copied?;
            let written = written.ok_or_else(|| failed(&"the writer ended before the rows did"))?;
            Ok(Rewritten { id, files: written.files })
        })
    }
}

fn copy(object: ObjectReader, file: &File, leaving: &Leaving, schema: &SchemaRef, pieces: &Sender<Piece>) -> Result<()> {
    let key = object.key.clone();
    let broken = |why: &dyn std::fmt::Display| Error::new(ErrorKind::Corrupt, format!("the data file `{key}` cannot be read: {why}"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(object).map_err(|why| broken(&why))?;
    for rows in reader.with_batch_size(limits::BATCH_ROWS).build().map_err(|why| broken(&why))? {
        let rows = rows.map_err(|why| broken(&why))?;
        let rows =
            if leaving.is_empty() { rows } else { filter_record_batch(&rows, &leaving.stays(&rows)?).map_err(|why| broken(&why))? };
        if rows.num_rows() > 0 {
            fed(pieces.blocking_send(Piece::Rows(file.data.partition.clone(), fit(&rows, schema)?)))?;
        }
    }
    Ok(())
}
