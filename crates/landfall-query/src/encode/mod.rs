//! An answer as bytes, streamed: JSON, CSV, NDJSON or Arrow. Memory is bounded
//! by one batch and one chunk; an answer that fails half-way ends in an error
//! and never in something that reads as complete.

mod arrow_stream;
mod cells;
mod csv;
mod json;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use landfall_model::Result;

use super::answer::Answer;

pub use cells::type_word;

/// What a client may ask for by `Accept`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{"columns": [{"name", "type"}], "rows": [[...]]}`.
    Json,
    /// RFC 4180 with a header, but with lines that end in LF. Null is the empty field, the empty text is `""`.
    Csv,
    /// One object a row; null stands as null.
    Ndjson,
    /// The Arrow IPC streaming format.
    Arrow,
}

impl Format {
    pub const ALL: &[Format] = &[Format::Json, Format::Csv, Format::Ndjson, Format::Arrow];

    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv",
            Format::Ndjson => "application/x-ndjson",
            Format::Arrow => "application/vnd.apache.arrow.stream",
        }
    }
}

/// Bytes at which a chunk is handed on; a row is never cut, so a chunk is longer by one row at the most.
const CHUNK_BYTES: usize = 64 << 10;

/// The answer's bytes in `format`, as they come.
pub fn encode(answer: Answer, format: Format) -> BoxStream<'static, Result<Bytes>> {
    match format {
        Format::Json => json::document(answer),
        Format::Csv => csv::lines(answer),
        Format::Ndjson => json::lines(answer),
        Format::Arrow => arrow_stream::stream(answer),
    }
}

/// What writes the rows of one batch, one by one.
trait RowWriter: Send + Sync {
    fn write(&self, row: usize, out: &mut Vec<u8>);
}

/// `head`, then every row as the writer that `writer_of` makes for its batch writes it, then `tail`, in chunks.
fn chunks<W, F>(answer: Answer, head: Vec<u8>, tail: &'static [u8], writer_of: F) -> BoxStream<'static, Result<Bytes>>
where
    W: RowWriter + 'static,
    F: Fn(&arrow::array::RecordBatch) -> Result<W> + Send + Sync + 'static,
{
    let body = answer.rows.map_ok(move |batch| match writer_of(&batch) {
        Ok(writer) => batch_chunks(writer, batch.num_rows()).left_stream(),
        Err(error) => futures::stream::once(async { Err(error) }).right_stream(),
    });
    let head = futures::stream::once(async { Ok(Bytes::from(head)) });
    let tail = futures::stream::once(async move { Ok(Bytes::from_static(tail)) });
    let all = head.chain(body.try_flatten()).chain(tail).try_filter(|chunk| std::future::ready(!chunk.is_empty()));
    // Nothing comes after an error, least of all the tail.
    let until_error = all.scan(false, |failed, chunk| {
        let next = (!*failed).then_some(chunk);
        *failed |= matches!(next, Some(Err(_)));
        std::future::ready(next)
    });
    until_error.boxed()
}

fn batch_chunks<W: RowWriter>(writer: W, rows: usize) -> impl futures::Stream<Item = Result<Bytes>> {
    let mut row = 0;
    futures::stream::iter(std::iter::from_fn(move || {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        while row < rows && chunk.len() < CHUNK_BYTES {
            writer.write(row, &mut chunk);
            row += 1;
        }
        (!chunk.is_empty()).then(|| Ok(Bytes::from(chunk)))
    }))
}

#[cfg(test)]
mod tests;
