//! Segments: files whose blocks are zeroed in advance, so that an append only
//! overwrites and one sync without a journal commit makes it durable. A
//! group's bodies are appended here before the commit that names them. A
//! segment is never appended to by another process than the one that made it,
//! and what the catalog does not name in it means nothing.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use landfall_model::limits::SEGMENT_BYTES;
use landfall_model::{Clock, Result, SegmentId};

use crate::errors::from_io;
use crate::folder::{Folder, Mode, TempFile};
use crate::keys;

/// Slices that one system call takes.
const SLICES_MAX: usize = 1024;

/// Where an append has gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub key: String,
    /// Of the first byte.
    pub offset: u64,
}

/// The one appender of a node. All of it blocks.
pub struct Segments {
    folder: Arc<Folder>,
    clock: Clock,
    current: Option<Segment>,
    /// The next one, being zeroed before it is needed. It has no name until then, so that a crash leaves nothing.
    next: Option<JoinHandle<io::Result<TempFile>>>,
}

struct Segment {
    key: String,
    path: PathBuf,
    file: File,
    used: u64,
    size: u64,
}

impl Segments {
    pub(crate) fn new(folder: Arc<Folder>, clock: Clock) -> Segments {
        Segments { folder, clock, current: None, next: None }
    }

    /// Appends the pieces one after another; once it returns they are durable. After an error nothing may be named: where
    /// the write or the sync failed, the segment is given up and the next append begins another.
    pub fn append(&mut self, pieces: &[Bytes]) -> Result<Placed> {
        let size = pieces.iter().map(|piece| piece.len() as u64).sum();
        self.try_append(pieces, size).map_err(|error| from_io(&format!("append {size} bytes to a segment"), &error))
    }

    fn try_append(&mut self, pieces: &[Bytes], size: u64) -> io::Result<Placed> {
        let t0 = std::time::Instant::now();
        let mut segment = match self.current.take() {
            Some(segment) if segment.size - segment.used >= size => segment,
            // The full one is dropped, and cut to what is used.
            _ => self.begin(size)?,
        };
        let placed = Placed { key: segment.key.clone(), offset: segment.used };
        let t1 = t0.elapsed();
        segment.write(pieces)?;
        if t0.elapsed().as_millis() > 15 { println!("SLOW begin {:?} write {:?} size {size} used {}", t1, t0.elapsed() - t1, segment.used); }
        segment.used += size;
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
            _ => (zeroed(&self.folder, SEGMENT_BYTES.max(at_least))?, SEGMENT_BYTES.max(at_least)),
        };
        let key = keys::segment(&SegmentId::new(&self.clock));
        let path = self.folder.path(&key)?;
        match temp.publish(&path, Mode::Create)? {
            Some(file) => Ok(Segment { key, path, file, used: 0, size }),
            None => Err(io::Error::other(format!("`{key}` exists already"))),
        }
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
    fn write(&self, pieces: &[Bytes]) -> io::Result<()> {
        let mut offset = self.used;
        for pieces in pieces.chunks(SLICES_MAX) {
            let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut left = slices.as_mut_slice();
            IoSlice::advance_slices(&mut left, 0);
            while !left.is_empty() {
                match rustix::io::pwritev(&self.file, left, offset) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => {
                        offset += written as u64;
                        IoSlice::advance_slices(&mut left, written);
                    }
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        self.file.sync_data()
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // Only to save space: uncut or left empty it does no harm.
        let _ = if self.used == 0 { fs::remove_file(&self.path) } else { self.file.set_len(self.used) };
    }
}

/// A file of `size` zeroes, written and synced.
fn zeroed(folder: &Arc<Folder>, size: u64) -> io::Result<TempFile> {
    const ZEROES: &[u8] = &[0; 1 << 20];
    let t = std::time::Instant::now();
    let mut temp = folder.begin()?;
    let mut left = size;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROES.len());
        temp.write_all(&ZEROES[..piece])?;
        left -= piece as u64;
    }
    let w = t.elapsed();
    temp.sync()?;
    println!("ZEROED write {:?} sync {:?}", w, t.elapsed() - w);
    Ok(temp)
}
