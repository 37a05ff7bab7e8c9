//! An object as a stream of pieces.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use landfall_model::{Result, limits};
use object_store::{GetResult, GetResultPayload};

use crate::errors::{from_io, from_object_store};
use crate::local::blocking;

/// The bytes of `result`, in pieces of at most `STREAM_CHUNK_BYTES` from a local file and as they come from S3.
pub(crate) fn pieces(what: String, result: GetResult) -> BoxStream<'static, Result<Bytes>> {
    match result.payload {
        GetResultPayload::File(file, _) => from_file(file, result.range).map_err(move |error| from_io(&what, &error)).boxed(),
        GetResultPayload::Stream(pieces) => pieces.map_err(move |error| from_object_store(&what, &error)).boxed(),
    }
}

// object_store's own stream of a file hands out 8 KiB at a time, each by way of another thread.
fn from_file(file: File, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
    let file = Arc::new(file);
    stream::try_unfold(range, move |range| {
        let file = file.clone();
        async move {
            if range.is_empty() {
                return Ok(None);
            }
            let size = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(limits::STREAM_CHUNK_BYTES);
            let start = range.start;
            let piece = blocking(move || {
                let mut piece = vec![0; size];
                file.read_exact_at(&mut piece, start)?;
                Ok(Bytes::from(piece))
            });
            let piece = piece.await?;
            Ok(Some((piece, start + size as u64..range.end)))
        }
    })
    .boxed()
}
