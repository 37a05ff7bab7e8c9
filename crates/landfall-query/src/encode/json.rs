//! JSON: one document with columns and rows, or one object a line.

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::stream::BoxStream;
use landfall_model::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::answer::Answer;
use super::cells::{Cells, write_string};
use super::{RowWriter, chunks};

/// `{"columns": [{"name", "type"}], "rows": [[...]]}`, a row a line.
pub(super) fn document(answer: Answer) -> BoxStream<'static, Result<Bytes>> {
    let columns = match serde_json::to_string(&answer.columns) {
        Ok(columns) => columns,
        Err(error) => return Box::pin(futures::stream::iter([Err(Error::internal("writing the columns", error))])),
    };
    let head = format!("{{\"columns\":{columns},\"rows\":[");
    let first = Arc::new(AtomicBool::new(true));
    chunks(answer, head.into_bytes(), b"\n]}\n", move |batch: &RecordBatch| {
        Ok(ArrayRows { columns: Cells::of_batch(batch)?, first: first.clone() })
    })
}

struct ArrayRows {
    columns: Vec<Cells>,
    /// True until a row was written: every other has a comma before it.
    first: Arc<AtomicBool>,
}

impl RowWriter for ArrayRows {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.first.swap(false, Ordering::Relaxed) { b"\n[" } else { b",\n[" });
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            column.write_json(row, out);
        }
        out.push(b']');
    }
}

/// One object a row. Where two columns have one name, both stand: the client asked for it.
pub(super) fn lines(answer: Answer) -> BoxStream<'static, Result<Bytes>> {
    let names: Arc<[Vec<u8>]> = answer
        .columns
        .iter()
        .map(|column| {
            let mut name = Vec::new();
            write_string(&column.name, &mut name);
            name.push(b':');
            name
        })
        .collect();
    chunks(answer, Vec::new(), b"", move |batch: &RecordBatch| Ok(ObjectRows { names: names.clone(), columns: Cells::of_batch(batch)? }))
}

struct ObjectRows {
    /// Each in quotes, with its colon.
    names: Arc<[Vec<u8>]>,
    columns: Vec<Cells>,
}

impl RowWriter for ObjectRows {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        out.push(b'{');
        for (place, (name, column)) in self.names.iter().zip(&self.columns).enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(name);
            column.write_json(row, out);
        }
        out.extend_from_slice(b"}\n");
    }
}
