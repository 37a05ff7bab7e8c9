//! Bodies that are small on the wire and huge once unpacked, or huge and made
//! while they are sent: neither is ever whole in memory or on a disk of ours.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, Crc, write::DeflateEncoder};
use futures::Stream;
use landfall_model::limits;

/// A deflated text with what a container says about it; as it is made, a CSV of 10 GiB in which every line is the same. The work is that of one block: it is packed once and
/// stands there 640 times, for what is packed without a past can be put behind anything.
pub struct Bomb {
    deflated: Vec<u8>,
    crc: u32,
    size: u64,
}

/// What it unpacks to.
pub const BOMB_BYTES: u64 = 4 + (10 << 30);

/// Bytes of each of its lines.
pub const LINE_BYTES: usize = 64 << 10;

const BLOCK_BYTES: usize = 16 << 20;
const BLOCKS: u64 = 640;

/// Two bits that say: this was the last block, and it is empty.
const END: &[u8] = &[0x03, 0x00];

/// RFC 1952: deflate, no name, no time.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

impl Bomb {
    pub fn new() -> Bomb {
        let line = format!("1,{}\n", "a".repeat(LINE_BYTES - 3));
        let block = line.repeat(BLOCK_BYTES / line.len()).into_bytes();
        let (head, body) = (deflate(b"a,b\n"), deflate(&block));
        let mut crc = Crc::new();
        crc.update(b"a,b\n");
        let mut block_crc = Crc::new();
        block_crc.update(&block);
        let mut deflated = head;
        for _ in 0..BLOCKS {
            deflated.extend_from_slice(&body);
            crc.combine(&block_crc);
        }
        deflated.extend_from_slice(END);
        Bomb { deflated, crc: crc.sum(), size: 4 + BLOCKS * block.len() as u64 }
    }

    pub fn gzip(&self) -> Vec<u8> {
        let size = u32::try_from(self.size % (1 << 32)).unwrap();
        [&GZIP_HEAD[..], &self.deflated, &self.crc.to_le_bytes(), &size.to_le_bytes()].concat()
    }

    pub fn zip(&self) -> Vec<u8> {
        archive(b"bomb.csv", self)
    }

    /// Something that is no bomb, and that an archive can hold as well.
    pub fn harmless(text: &[u8]) -> Bomb {
        let mut crc = Crc::new();
        crc.update(text);
        Bomb { deflated: [&deflate(text), END].concat(), crc: crc.sum(), size: text.len() as u64 }
    }
}

/// An honest archive (APPNOTE 4.3) of one member; its sizes are in the extra field of Zip64, since 10 GiB do not fit 32 bits.
pub fn archive(name: &[u8], member: &Bomb) -> Vec<u8> {
    let packed = member.deflated.len() as u64;
    let sizes = [&[1, 0, 16, 0][..], &member.size.to_le_bytes(), &packed.to_le_bytes()].concat();
    // Version 4.5, deflated, first of January 1980, and the sizes in the extra field.
    let common = [
        &[45, 0, 0, 0, 8, 0, 0, 0, 0x21, 0][..],
        &member.crc.to_le_bytes(),
        &[0xff; 8],
        &u16::try_from(name.len()).unwrap().to_le_bytes(),
        &u16::try_from(sizes.len()).unwrap().to_le_bytes(),
    ]
    .concat();
    let local = [b"PK\x03\x04", common.as_slice(), name, &sizes, &member.deflated].concat();
    let directory = [b"PK\x01\x02\x2d\x00", common.as_slice(), &[0; 14], name, &sizes].concat();
    let (at, length) = (u32::try_from(local.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &length.to_le_bytes()[..], &at.to_le_bytes(), &[0, 0]].concat();
    [local, directory, end].concat()
}

/// A gzip that was cut off where `text` ends.
pub fn cut_gzip(text: &[u8]) -> Vec<u8> {
    [&GZIP_HEAD[..], &deflate(text)].concat()
}

/// `bytes` deflated as far as it goes and flushed to a whole byte, not ended.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

/// 2 GB.
pub const LONG_BYTES: u64 = 2_000_000_000;

/// A body of `LONG_BYTES` that begins with `head`, all the rest of it one line.
pub fn long_line(head: &'static str) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let rest = futures::stream::unfold(LONG_BYTES - head.len() as u64, move |left| {
        let length = usize::try_from(left).unwrap().min(piece.len());
        let next = piece.slice(..length);
        async move { (length > 0).then(|| (Ok(next), left - length as u64)) }
    });
    futures::StreamExt::chain(futures::stream::iter([Ok(Bytes::from(head))]), rest)
}

/// Far fewer bytes than a bomb holds: packed it is an upload like any other, and may be sent as events.
#[test]
fn a_bomb_is_small_and_unpacks_to_what_it_says() {
    let bomb = Bomb::new();
    assert_eq!(bomb.size, BOMB_BYTES);
    assert!(bomb.zip().len() < limits::EVENTS_BODY_BYTES_MAX && bomb.gzip().len() < limits::EVENTS_BODY_BYTES_MAX);
    let mut start = Vec::new();
    let mut decoder = std::io::Read::take(flate2::read::MultiGzDecoder::new(std::io::Cursor::new(bomb.gzip())), 40 << 20);
    std::io::Read::read_to_end(&mut decoder, &mut start).unwrap();
    let mut lines = start.split(|byte| *byte == b'\n');
    assert_eq!((start.len(), lines.next().unwrap()), (40 << 20, &b"a,b"[..]));
    assert!(lines.take(600).all(|line| line.len() == LINE_BYTES - 1 && line.starts_with(b"1,a")));
}
