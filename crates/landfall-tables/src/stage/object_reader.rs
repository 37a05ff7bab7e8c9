//! An object of the store as the Parquet reader wants it: pieces of it, from a
//! thread that may block.

use std::io::Read;

use bytes::{Buf, Bytes};
use landfall_model::limits;
use landfall_store::Store;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

/// Only for threads that may block.
#[derive(Clone)]
pub(super) struct ObjectReader {
    pub store: Store,
    pub key: String,
    /// Bytes.
    pub size: u64,
    pub runtime: Handle,
}

impl ObjectReader {
    fn range(&self, start: u64, length: u64) -> Result<Bytes> {
        let end = (start + length).min(self.size);
        let read = self.runtime.block_on(self.store.get_range(&self.key, start..end));
        read.map_err(|error| ParquetError::External(Box::new(error)))
    }
}

impl Length for ObjectReader {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for ObjectReader {
    type T = Pieces;

    fn get_read(&self, start: u64) -> Result<Pieces> {
        Ok(Pieces { object: self.clone(), at: start, piece: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.range(start, length as u64)
    }
}

/// Reads on from one place, a piece at a time.
pub(super) struct Pieces {
    object: ObjectReader,
    at: u64,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.piece.is_empty() && self.at < self.object.size {
            self.piece = self.object.range(self.at, limits::STREAM_CHUNK_BYTES as u64).map_err(std::io::Error::other)?;
            self.at += self.piece.len() as u64;
        }
        let length = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
