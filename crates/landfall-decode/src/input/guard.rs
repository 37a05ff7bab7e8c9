//! Two readers that count: `Source` what is taken from the landing, `Guard`
//! what a container makes of it. Together they stop a bomb while it is still
//! small.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use landfall_model::{Error, ErrorKind, Result, limits};

use super::Input;

/// Bytes that were read from the landing so far, at most its size.
#[derive(Clone)]
pub struct Taken {
    count: Arc<AtomicU64>,
    size: u64,
}

impl Taken {
    /// Bytes that were read again (members that overlap) are not counted as more than there are.
    fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed).min(self.size)
    }
}

/// The landing's bytes. Its own failures are marked as such, so that no container takes them for its damage.
pub struct Source {
    input: Box<dyn Input>,
    taken: Taken,
}

impl Source {
    pub fn new(mut input: Box<dyn Input>) -> Result<Source> {
        let size = input.seek(SeekFrom::End(0)).and_then(|size| input.rewind().map(|()| size));
        let size = size.map_err(|error| Error::unavailable("reading the landing", error))?;
        Ok(Source { input, taken: Taken { count: Arc::default(), size } })
    }

    pub fn taken(&self) -> Taken {
        self.taken.clone()
    }

    pub fn size(&self) -> u64 {
        self.taken.size
    }
}

fn ours(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::Interrupted { error } else { io::Error::other(Error::unavailable("reading the landing", error)) }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(out).map_err(ours)?;
        self.taken.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // A position before the start is the container's mistake, not the disk's.
        self.input.seek(to)
    }
}

/// What a container unpacks. Its errors become `BrokenContainer`, and too much of it a `Bomb`.
pub struct Guard<R> {
    unpacked: R,
    taken: Taken,
    given: Arc<AtomicU64>,
    packing: Packing,
}

/// What a container is called in messages, and how many times smaller than the text it may be.
#[derive(Clone, Copy)]
pub struct Packing {
    pub name: &'static str,
    pub ratio_max: u64,
}

impl<R: Read> Guard<R> {
    /// `given` is shared by the members of one archive: their sum counts.
    pub fn new(unpacked: R, packing: Packing, taken: Taken, given: Arc<AtomicU64>) -> Guard<R> {
        Guard { unpacked, taken, given, packing }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Packing { name, ratio_max } = self.packing;
        let count = self.unpacked.read(out).map_err(|error| broken(error, name))?;
        let given = self.given.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        let taken = self.taken.get();
        if given > limits::BOMB_BYTES_FREE && given / ratio_max > taken {
            let message = format!("{name} unpacks to more than {ratio_max} times its size ({taken} bytes gave {given})");
            return Err(io::Error::other(Error::new(ErrorKind::Bomb, message)));
        }
        Ok(count)
    }
}

/// The same error where it is one of ours, else the container's damage.
fn broken(error: io::Error, container: &str) -> io::Error {
    if error.kind() == io::ErrorKind::Interrupted || error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        return error;
    }
    let message = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("{container} ends in its middle: it was cut off"),
        _ => format!("{container} is damaged: {error}"),
    };
    io::Error::other(Error::new(ErrorKind::BrokenContainer, message))
}
