//! A streaming upload: bytes in, an object with its digest out. It holds a few
//! chunks in memory and no more, hashes and writes away from the threads that
//! serve requests, and leaves nothing unless `finish` returns.

use bytes::{Bytes, BytesMut};
use landfall_model::Result;

use crate::upload_local::LocalUpload;
use crate::upload_s3::S3Upload;

/// What an upload has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes, in lower-case hexadecimal.
    pub digest: String,
}

/// Dropped before `finish` has returned, it is aborted. After an error only `abort` and dropping make sense.
#[derive(Debug)]
pub struct Upload(pub(crate) Sink);

#[derive(Debug)]
pub(crate) enum Sink {
    Local(LocalUpload),
    S3(Box<S3Upload>),
}

impl Upload {
    /// Takes the next bytes; waits while the disk or the service is behind.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        match &mut self.0 {
            Sink::Local(upload) => upload.write(bytes).await,
            Sink::S3(upload) => upload.write(bytes).await,
        }
    }

    /// Makes the object durable under its key. After an error it is not known whether the object is there; it is whole if it is.
    pub async fn finish(self) -> Result<Stored> {
        match self.0 {
            Sink::Local(upload) => upload.finish().await,
            Sink::S3(upload) => upload.finish().await,
        }
    }

    /// Gives the upload up, and returns once nothing of it is left.
    pub async fn abort(self) {
        match self.0 {
            Sink::Local(upload) => upload.abort().await,
            Sink::S3(upload) => upload.abort().await,
        }
    }
}

/// Pieces smaller than this are copied together: each may hold a whole network buffer in memory.
const SMALL_PIECE_BYTES: usize = 16 << 10;

/// Bytes that have come and are not handed on yet.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pieces: Vec<Bytes>,
    small: BytesMut,
    size: usize,
}

impl Gathered {
    pub fn push(&mut self, bytes: Bytes) {
        self.size += bytes.len();
        if bytes.len() < SMALL_PIECE_BYTES {
            self.small.extend_from_slice(&bytes);
        } else {
            self.close_small();
            self.pieces.push(bytes);
        }
    }

    /// Bytes gathered.
    pub fn size(&self) -> usize {
        self.size
    }

    pub fn take(&mut self) -> Vec<Bytes> {
        self.close_small();
        self.size = 0;
        std::mem::take(&mut self.pieces)
    }

    fn close_small(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push(self.small.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_come_together_and_all_stay_in_order() {
        let mut gathered = Gathered::default();
        for piece in [vec![1; 3], vec![2; 4], vec![3; SMALL_PIECE_BYTES], vec![4; 1]] {
            gathered.push(piece.into());
        }
        assert_eq!(gathered.size(), 8 + SMALL_PIECE_BYTES);
        let sizes: Vec<_> = gathered.take().iter().map(|piece| (piece[0], piece.len())).collect();
        assert_eq!(sizes, [(1, 7), (3, SMALL_PIECE_BYTES), (4, 1)]);
        assert_eq!((gathered.size(), gathered.take().len()), (0, 0));
    }
}
