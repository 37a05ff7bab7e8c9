//! An object, or a part of one, as a blocking `Read + Seek`, for decoders that
//! run on blocking threads. Position 0 is where the part begins.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;
use landfall_model::limits::READER_BLOCK_BYTES;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use crate::errors::from_object_store;

/// Its errors hold one of our own where the store gave it, which `from_io` takes out again.
#[derive(Debug)]
pub struct StoreReader {
    source: Source,
    /// The part of the object that is shown.
    range: Range<u64>,
    /// Relative to the part's start; may lie behind its end, where reads find nothing.
    position: u64,
}

#[derive(Debug)]
enum Source {
    File(File),
    Blocks(Blocks),
}

impl StoreReader {
    pub(crate) fn file(file: File, range: Range<u64>) -> StoreReader {
        StoreReader { source: Source::File(file), range, position: 0 }
    }

    pub(crate) fn blocks(objects: Arc<dyn ObjectStore>, path: Path, runtime: Handle, range: Range<u64>) -> StoreReader {
        let blocks = Blocks { objects, path, runtime, end: range.end, current: None, ahead: None };
        StoreReader { source: Source::Blocks(blocks), range, position: 0 }
    }

    /// Bytes of the part that is shown.
    pub fn size(&self) -> u64 {
        self.range.end - self.range.start
    }
}

impl Read for StoreReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size().saturating_sub(self.position);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let (at, buffer) = (self.range.start + self.position, &mut buffer[..wanted]);
        let read = match &mut self.source {
            Source::File(file) => file.read_at(buffer, at)?,
            Source::Blocks(blocks) => blocks.read(buffer, at)?,
        };
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the object is shorter than it was when it was opened"));
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for StoreReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => self.size().checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.position)
    }
}

/// Reads an object in S3 by blocks. Where it is read in order the next block is fetched while this one is used.
#[derive(Debug)]
struct Blocks {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    runtime: Handle,
    /// Nothing is fetched from here on.
    end: u64,
    current: Option<(u64, Bytes)>,
    ahead: Option<(u64, Receiver<io::Result<Bytes>>)>,
}

impl Blocks {
    fn read(&mut self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let start = at - at % READER_BLOCK_BYTES;
        let block = self.block(start)?;
        let inside = usize::try_from(at - start).map_err(io::Error::other)?;
        let found = block.get(inside..).unwrap_or_default();
        let size = buffer.len().min(found.len());
        buffer[..size].copy_from_slice(&found[..size]);
        Ok(size)
    }

    fn block(&mut self, start: u64) -> io::Result<Bytes> {
        if let Some((held, block)) = &self.current
            && *held == start
        {
            return Ok(block.clone());
        }
        let in_order = self.current.take().map_or(start == 0, |(held, _)| held + READER_BLOCK_BYTES == start);
        let fetched = match self.ahead.take() {
            Some((held, ahead)) if held == start => ahead,
            _ => self.fetch(start),
        };
        let next = start + READER_BLOCK_BYTES;
        if in_order && next < self.end {
            self.ahead = Some((next, self.fetch(next)));
        }
        let gone = |_| io::Error::other("the server is shutting down");
        let block = fetched.recv().map_err(gone)??;
        self.current = Some((start, block.clone()));
        Ok(block)
    }

    /// Begins to fetch a block. The answer comes through a channel, because blocking on the runtime itself is an error
    /// on its own threads.
    fn fetch(&self, start: u64) -> Receiver<io::Result<Bytes>> {
        let (sender, receiver) = sync_channel(1);
        let (objects, path, end) = (self.objects.clone(), self.path.clone(), self.end.min(start + READER_BLOCK_BYTES));
        self.runtime.spawn(async move {
            let fetched = objects.get_range(&path, start..end).await;
            let what = || format!("read object `{path}`");
            // Nobody waits for it where the reader has gone elsewhere.
            let _ = sender.send(fetched.map_err(|error| io::Error::other(from_object_store(&what(), &error))));
        });
        receiver
    }
}
