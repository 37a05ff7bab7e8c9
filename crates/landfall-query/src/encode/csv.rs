//! CSV after RFC 4180: a header, fields quoted where they must be, lines ended by LF.

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::stream::BoxStream;
use landfall_model::Result;

use super::super::answer::Answer;
use super::cells::Cells;
use super::{RowWriter, chunks};

pub(super) fn lines(answer: Answer) -> BoxStream<'static, Result<Bytes>> {
    let mut head = Vec::new();
    for (place, column) in answer.columns.iter().enumerate() {
        if place > 0 {
            head.push(b',');
        }
        field(column.name.as_bytes(), &mut head);
    }
    head.push(b'\n');
    chunks(answer, head, b"", |batch: &RecordBatch| Ok(CsvRows { columns: Cells::of_batch(batch)? }))
}

struct CsvRows {
    columns: Vec<Cells>,
}

impl RowWriter for CsvRows {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        let mut text = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            if !column.is_null(row) {
                text.clear();
                column.write_text(row, &mut text);
                field(&text, out);
            }
        }
        out.push(b'\n');
    }
}

/// Null is nothing between the commas, so an empty text has to be quoted.
fn field(text: &[u8], out: &mut Vec<u8>) {
    if !text.is_empty() && !text.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
