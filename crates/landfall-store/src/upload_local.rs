//! An upload to the local disk: one blocking thread at a time hashes and
//! writes a chunk while the next one is gathered.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use landfall_model::{Error, Result, limits};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use crate::errors::from_io;
use crate::folder::{Mode, TempFile};
use crate::local::blocking;
use crate::upload::{Gathered, Stored};

#[derive(Debug)]
pub(crate) struct LocalUpload {
    key: String,
    to: PathBuf,
    gathered: Gathered,
    state: State,
}

/// Where the writer is.
#[derive(Debug)]
enum State {
    Idle(Box<Writer>),
    Busy(JoinHandle<io::Result<Box<Writer>>>),
    /// A write has failed; the file is gone.
    Failed,
}

#[derive(Debug)]
struct Writer {
    temp: TempFile,
    digest: Sha256,
    size: u64,
    /// Bytes that the kernel has begun to write to the disk.
    handed_over: u64,
}

impl Writer {
    fn write(mut self: Box<Self>, chunk: &[Bytes]) -> io::Result<Box<Writer>> {
        for piece in chunk {
            self.digest.update(piece);
            self.temp.write_all(piece)?;
            self.size += piece.len() as u64;
        }
        if self.size - self.handed_over >= limits::WRITE_BACK_BYTES {
            self.temp.start_write_back(self.handed_over, self.size - self.handed_over)?;
            self.handed_over = self.size;
        }
        Ok(self)
    }
}

impl LocalUpload {
    pub fn new(key: String, to: PathBuf, temp: TempFile) -> LocalUpload {
        let writer = Writer { temp, digest: Sha256::new(), size: 0, handed_over: 0 };
        LocalUpload { key, to, gathered: Gathered::default(), state: State::Idle(Box::new(writer)) }
    }

    fn error(&self, error: &io::Error) -> Error {
        from_io(&format!("upload object `{}`", self.key), error)
    }

    /// Takes the writer as soon as it has written what it was given.
    async fn writer(&mut self) -> Result<Box<Writer>> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(writer) => Ok(writer),
            State::Busy(work) => work.await.map_err(io::Error::other).flatten().map_err(|error| self.error(&error)),
            State::Failed => Err(self.error(&io::Error::other("an earlier write failed"))),
        }
    }

    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.gathered.push(bytes);
        if self.gathered.size() >= limits::UPLOAD_CHUNK_BYTES {
            let writer = self.writer().await?;
            let chunk = self.gathered.take();
            self.state = State::Busy(tokio::task::spawn_blocking(move || writer.write(&chunk)));
        }
        Ok(())
    }

    pub async fn finish(mut self) -> Result<Stored> {
        let writer = self.writer().await?;
        let (chunk, to) = (self.gathered.take(), self.to.clone());
        let finished = blocking(move || {
            let Writer { temp, digest, size, .. } = *writer.write(&chunk)?;
            temp.publish(&to, Mode::Overwrite)?;
            Ok(Stored { size, digest: hex::encode(digest.finalize()) })
        });
        finished.await.map_err(|error| self.error(&error))
    }

    pub async fn abort(mut self) {
        // Whether the last write went well is nobody's business any more; its file is dropped here.
        let writer = self.writer().await.ok();
        let _ = tokio::task::spawn_blocking(move || drop(writer)).await;
    }
}
