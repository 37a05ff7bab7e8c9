//! Containers, told by their first bytes, never by a name.

use std::io::{BufReader, Read, Seek};
use std::sync::Arc;

use landfall_model::{Error, ErrorKind, Result, limits};

use super::guard::{Guard, Packing, Source};
use super::read_error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    None,
    Gzip,
    Zstd,
    Bzip2,
    Zip,
}

/// Bytes that tell any of them.
const MAGIC_BYTES: u64 = 8;

/// Bytes that are read from the landing at once.
const READ_BYTES: usize = 128 << 10;

/// What the input is packed in; its position is its start before and after.
pub fn tell(source: &mut Source) -> Result<Container> {
    let mut head = Vec::new();
    source.by_ref().take(MAGIC_BYTES).read_to_end(&mut head).map_err(read_error)?;
    source.rewind().map_err(read_error)?;
    Ok(match head.as_slice() {
        [0x1f, 0x8b, ..] => Container::Gzip,
        // A frame, or a skippable frame before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Container::Zstd,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, ..] => Container::Bzip2,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Container::Zip,
        _ => Container::None,
    })
}

/// The unpacked bytes of a container that holds one text.
pub fn open(source: Source, container: Container) -> Result<Box<dyn Read>> {
    let taken = source.taken();
    let packed = BufReader::with_capacity(READ_BYTES, source);
    let (unpacked, name, ratio_max): (Box<dyn Read>, _, _) = match container {
        Container::Gzip => (Box::new(flate2::bufread::MultiGzDecoder::new(packed)), "the gzip", limits::BOMB_DEFLATE_RATIO_MAX),
        Container::Bzip2 => (Box::new(bzip2::bufread::MultiBzDecoder::new(packed)), "the bzip2", limits::BOMB_RATIO_MAX),
        Container::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(|error| Error::internal("opening a zstd", error))?;
            (Box::new(decoder), "the zstd", limits::BOMB_RATIO_MAX)
        }
        Container::None => return Ok(Box::new(packed)),
        Container::Zip => return Err(Error::new(ErrorKind::Internal, "a zip holds more than one text")),
    };
    Ok(Box::new(Guard::new(unpacked, Packing { name, ratio_max }, taken, Arc::default())))
}
