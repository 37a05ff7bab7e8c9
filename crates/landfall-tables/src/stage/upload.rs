//! A streaming upload as the blocking `Write` that the Parquet writer wants.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use landfall_model::{Error, Result, limits};
use landfall_store::{Stored, Upload};
use tokio::runtime::Handle;

/// Only for threads that may block. Dropped before `finish`, nothing of it is kept.
pub(super) struct BlockingUpload {
    /// `None` once it is finished.
    upload: Option<Upload>,
    runtime: Handle,
    gathered: BytesMut,
    /// The store's own error: `io::Error` cannot carry its kind to the caller.
    error: Option<Error>,
}

impl BlockingUpload {
    pub fn new(upload: Upload, runtime: Handle) -> BlockingUpload {
        BlockingUpload { upload: Some(upload), runtime, gathered: BytesMut::with_capacity(limits::STREAM_CHUNK_BYTES), error: None }
    }

    fn send(&mut self) -> Result<()> {
        let chunk: Bytes = self.gathered.split().freeze();
        match &mut self.upload {
            Some(upload) => self.runtime.block_on(upload.write(chunk)),
            None => Err(Error::internal("writing an object", "it is finished already")),
        }
    }

    /// Why the last write failed, if it did.
    pub fn error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// Durable when it returns; nothing can be written after it.
    pub fn finish(&mut self) -> Result<Stored> {
        if !self.gathered.is_empty() {
            self.send()?;
        }
        let upload = self.upload.take().ok_or_else(|| Error::internal("finishing an object", "it is finished already"))?;
        self.runtime.block_on(upload.finish())
    }
}

impl Write for BlockingUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= limits::STREAM_CHUNK_BYTES
            && let Err(error) = self.send()
        {
            let told = io::Error::other(error.to_string());
            self.error = Some(error);
            return Err(told);
        }
        Ok(bytes.len())
    }

    /// Nothing is durable before `finish`, so there is nothing to hurry.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
