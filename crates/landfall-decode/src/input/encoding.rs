//! Encodings become UTF-8. A byte order mark decides; without one the setting
//! does; without a setting it is UTF-8. Latin-1 is never guessed, and is read
//! as Windows-1252, the superset that files of that name are written in.

use std::io::{Cursor, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};
use landfall_model::{CsvSettings, Encoding, Result};

use super::{Window, broken_off, read_error};

/// The longest byte order mark.
const MARK_BYTES: u64 = 3;

const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The text of `bytes`. Positions in UTF-8 count the byte order mark; in other encodings they count the UTF-8 they become.
pub fn text<'a>(mut bytes: Box<dyn Read + 'a>, csv: &CsvSettings) -> Result<Window<'a>> {
    let mut head = Vec::new();
    bytes.by_ref().take(MARK_BYTES).read_to_end(&mut head).map_err(|error| broken_off(read_error(error), 1, 0))?;
    let (encoding, mark) = match head.as_slice() {
        UTF8_MARK => (None, MARK_BYTES),
        [0xff, 0xfe, ..] => (Some(UTF_16LE), 2),
        [0xfe, 0xff, ..] => (Some(UTF_16BE), 2),
        _ => match csv.encoding {
            // JSON is UTF-8 whatever the dataset's CSV is (RFC 8259).
            Some(Encoding::Latin1) if !begins_json(&head) => (Some(WINDOWS_1252), 0),
            Some(Encoding::Utf16) => (Some(UTF_16BE), 0),
            _ => (None, 0),
        },
    };
    head.drain(..head.len().min(usize::try_from(mark).unwrap_or(0)));
    let rest = Cursor::new(head).chain(bytes);
    Ok(match encoding {
        None => Window::new(Box::new(rest), mark),
        Some(encoding) => Window::new(Box::new(Transcoder::new(rest, encoding.new_decoder_without_bom_handling())), 0),
    })
}

/// Whether a text begins as JSON does and no header of CSV would.
fn begins_json(head: &[u8]) -> bool {
    match head.trim_ascii_start() {
        [b'{', next, ..] => matches!(next, b'"' | b'}' | b'\n' | b'\r' | b' '),
        [b'[', next, ..] => matches!(next, b'{' | b']' | b'\n' | b'\r' | b' '),
        _ => false,
    }
}

const BUFFER_BYTES: usize = 64 << 10;

/// A byte that is never part of UTF-8: it stands for what the encoding does not allow, so that the record that holds it
/// is rejected like any other that is not UTF-8.
const BROKEN: u8 = 0xff;

struct Transcoder<R> {
    reader: R,
    decoder: Decoder,
    input: Vec<u8>,
    /// The part of `input` that is not decoded yet.
    left: std::ops::Range<usize>,
    output: Vec<u8>,
    /// The part of `output` that is not read yet.
    ready: std::ops::Range<usize>,
    ended: bool,
    done: bool,
}

impl<R: Read> Transcoder<R> {
    fn new(reader: R, decoder: Decoder) -> Transcoder<R> {
        let (input, output) = (vec![0; BUFFER_BYTES], vec![0; BUFFER_BYTES]);
        Transcoder { reader, decoder, input, left: 0..0, output, ready: 0..0, ended: false, done: false }
    }

    fn decode(&mut self) -> std::io::Result<()> {
        if self.left.is_empty() && !self.ended {
            let count = self.reader.read(&mut self.input)?;
            self.left = 0..count;
            self.ended = count == 0;
        }
        // The last byte of the output is kept for `BROKEN`.
        let room = self.output.len() - 1;
        let input = &self.input[self.left.clone()];
        let (result, used, made) = self.decoder.decode_to_utf8_without_replacement(input, &mut self.output[..room], self.ended);
        self.left.start += used;
        self.ready = 0..made;
        match result {
            DecoderResult::Malformed(..) => {
                self.output[made] = BROKEN;
                self.ready.end += 1;
            }
            DecoderResult::InputEmpty => self.done = self.ended,
            DecoderResult::OutputFull => {}
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.ready.is_empty() && !self.done {
            self.decode()?;
        }
        let count = self.ready.len().min(out.len());
        out[..count].copy_from_slice(&self.output[self.ready.start..self.ready.start + count]);
        self.ready.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], encoding: Option<Encoding>, expected: &[u8], offset: u64) {
        let csv = CsvSettings { encoding, ..CsvSettings::default() };
        let mut window = text(Box::new(bytes), &csv).unwrap();
        assert_eq!(window.offset(), offset);
        window.fill(1).unwrap();
        assert_eq!(window.bytes(), expected);
    }

    #[test]
    fn marks_decide_and_settings_stand_in() {
        check(b"\xef\xbb\xbfa", None, b"a", 3);
        check(b"\xff\xfea\0\xe9\0", None, "aé".as_bytes(), 0);
        check(b"\xfe\xff\0a\0\xe9", Some(Encoding::Latin1), "aé".as_bytes(), 0);
        check(b"\0a\0\xe9", Some(Encoding::Utf16), "aé".as_bytes(), 0);
        check(b"a\xe9\x80", Some(Encoding::Latin1), "aé€".as_bytes(), 0);
        check("{\"é\":1}".as_bytes(), Some(Encoding::Latin1), "{\"é\":1}".as_bytes(), 0);
        check(b"a\xe9", None, b"a\xe9", 0);
        check(b"", None, b"", 0);
    }

    #[test]
    fn what_utf_16_does_not_allow_becomes_what_utf_8_does_not() {
        check(b"\xff\xfea\0\x00\xd8b\0", None, b"a\xffb", 0);
        check(b"\xff\xfea\0\x62", None, b"a\xff", 0);
    }
}
