//! Files written past the page cache (O_DIRECT) where the file system can do
//! that: what is synced at once anyway gains nothing from a copy there. Offset
//! and length of every write are whole blocks.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Bytes of a block: what every disk and file system that we know takes.
pub(crate) const BLOCK: usize = 4096;

/// Opens an existing file for writing; without O_DIRECT where the file system has none.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::DIRECT.bits()).map_err(io::Error::other)?;
    match OpenOptions::new().write(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => OpenOptions::new().write(true).open(path),
        opened => opened,
    }
}

/// Memory at an address that O_DIRECT takes.
pub(crate) struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    size: usize,
}

impl Aligned {
    /// `size` zeroes.
    pub fn zeroed(size: usize) -> Aligned {
        let bytes = vec![0; size + BLOCK];
        // Never more than a block, except where the compiler itself evaluates it.
        let start = bytes.as_ptr().align_offset(BLOCK).min(BLOCK);
        Aligned { bytes, start, size }
    }

    pub fn slice(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.size]
    }
}
