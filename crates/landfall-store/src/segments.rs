//! Segments: files whose blocks are zeroed in advance, so that an append only
//! overwrites and one sync without a journal commit makes it durable. A
//! group's bodies are appended here before the commit that names them; each
//! append begins at a new block. A segment is never appended to by another
//! process than the one that made it, and what the catalog does not name in it
//! means nothing.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use landfall_model::limits::{self, SEGMENT_BYTES};
use landfall_model::{Clock, Result, SegmentId, Timestamp};

use crate::direct::{self, Aligned, BLOCK};
use crate::errors::from_io;
use crate::folder::{Folder, Mode, TempFile};
use crate::keys;

/// Bytes that are copied together for one write.
const BUFFER_BYTES: usize = limits::GROUP_BYTES_MAX;

/// Where an append has gone.
#[derive(Clone, Debug)]
pub struct Placed {
    pub key: String,
    /// Of the first byte.
    pub offset: u64,
    /// Keeps the segment from being swept: to be held until the commit that names the place has come to its end.
    pub held: Held,
}

/// The lock of a segment. Cloning shares it; it is free when the last is dropped, or the process dies.
#[derive(Clone, Debug)]
pub struct Held(#[expect(dead_code, reason = "only its life counts")] Arc<File>);

/// The one appender of a node. All of it blocks.
pub struct Segments {
    folder: Arc<Folder>,
    clock: Clock,
    current: Option<Segment>,
    buffer: Aligned,
    /// The next one, being zeroed before it is needed. It has no name until then, so that a crash leaves nothing.
    next: Option<JoinHandle<io::Result<TempFile>>>,
}

struct Segment {
    key: String,
    path: PathBuf,
    file: Arc<File>,
    used: u64,
    size: u64,
    begun_at: Timestamp,
}

impl Segments {
    pub(crate) fn new(folder: Arc<Folder>, clock: Clock) -> Segments {
        Segments { folder, clock, current: None, buffer: Aligned::zeroed(BUFFER_BYTES), next: None }
    }

    /// Gives up a segment that is older than `limits::SEGMENT_AGE_MAX`, so that what is in it can be swept; the next append
    /// begins another.
    pub fn retire(&mut self) {
        let age = i64::try_from(limits::SEGMENT_AGE_MAX.as_micros()).unwrap_or(i64::MAX);
        let before = self.clock.now().plus_micros(-age);
        self.current.take_if(|segment| segment.begun_at < before);
    }

    /// Appends the pieces one after another; once it returns they are durable. After an error nothing may be named: where
    /// the write or the sync failed, the segment is given up and the next append begins another.
    pub fn append(&mut self, pieces: &[Bytes]) -> Result<Placed> {
        let size = pieces.iter().map(|piece| piece.len() as u64).sum();
        self.try_append(pieces, size).map_err(|error| from_io(&format!("append {size} bytes to a segment"), &error))
    }

    fn try_append(&mut self, pieces: &[Bytes], size: u64) -> io::Result<Placed> {
        let mut segment = match self.current.take() {
            Some(segment) if segment.size - segment.used >= size => segment,
            // The full one is dropped, and cut to what is used.
            _ => self.begin(size)?,
        };
        let placed = Placed { key: segment.key.clone(), offset: segment.used, held: Held(Arc::clone(&segment.file)) };
        segment.used = segment.write(pieces, self.buffer.slice())?;
        // Early, so that it is ready however fast this one fills; but not for a node that hardly ever appends.
        if self.next.is_none() && segment.used > segment.size / 8 {
            let folder = self.folder.clone();
            self.next = Some(thread::Builder::new().name("segment".into()).spawn(move || zeroed(&folder, SEGMENT_BYTES))?);
        }
        self.current = Some(segment);
        Ok(placed)
    }

    fn begin(&mut self, at_least: u64) -> io::Result<Segment> {
        let prepared = self.next.take().and_then(|next| next.join().ok()).transpose()?;
        let (temp, size) = match prepared {
            Some(temp) if at_least <= SEGMENT_BYTES => (temp, SEGMENT_BYTES),
            _ => {
                let size = SEGMENT_BYTES.max(at_least.next_multiple_of(BLOCK as u64));
                (zeroed(&self.folder, size)?, size)
            }
        };
        let key = keys::segment(&SegmentId::new(&self.clock));
        let path = self.folder.path(&key)?;
        if !temp.publish(&path, Mode::Create)? {
            return Err(io::Error::other(format!("`{key}` exists already")));
        }
        let file = direct::open(&path)?;
        // A sweep may have come first, since nobody held the lock until now.
        if file.try_lock().is_err() || !path.try_exists()? {
            return self.begin(at_least);
        }
        Ok(Segment { file: Arc::new(file), key, path, used: 0, size, begun_at: self.clock.now() })
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        if let Some(next) = self.next.take() {
            drop(next.join());
        }
    }
}

impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.current.as_ref().map(|segment| (&segment.key, segment.used));
        f.debug_struct("Segments").field("current", &current).finish_non_exhaustive()
    }
}

impl Segment {
    /// Writes the pieces from the first unused block on, and syncs. Says where the next unused block is.
    fn write(&self, pieces: &[Bytes], buffer: &mut [u8]) -> io::Result<u64> {
        let (mut offset, mut filled) = (self.used, 0);
        for piece in pieces {
            let mut rest = piece.as_ref();
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(buffer.len() - filled));
                buffer[filled..filled + now.len()].copy_from_slice(now);
                filled += now.len();
                rest = later;
                if filled == buffer.len() {
                    self.file.write_all_at(buffer, offset)?;
                    offset += filled as u64;
                    filled = 0;
                }
            }
        }
        let padded = filled.next_multiple_of(BLOCK);
        buffer[filled..padded].fill(0);
        self.file.write_all_at(&buffer[..padded], offset)?;
        self.file.sync_data()?;
        Ok(offset + padded as u64)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // Only to save space: uncut or left empty it does no harm.
        let _ = if self.used == 0 { fs::remove_file(&self.path) } else { self.file.set_len(self.used) };
    }
}

/// A file of `size` zeroes, written and synced. `size` is whole blocks.
fn zeroed(folder: &Arc<Folder>, size: u64) -> io::Result<TempFile> {
    let temp = folder.begin()?;
    let file = direct::open(temp.path())?;
    let mut zeroes = Aligned::zeroed(1 << 20);
    let mut offset = 0;
    while offset < size {
        let piece = usize::try_from(size - offset).unwrap_or(usize::MAX).min(1 << 20);
        file.write_all_at(&zeroes.slice()[..piece], offset)?;
        offset += piece as u64;
    }
    file.sync_data()?;
    Ok(temp)
}
