//! Zip archives: their members one after another, in the order of their
//! names. No member is written anywhere, but a name that would escape a
//! folder says that somebody means harm, and the archive is refused.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use landfall_model::{CsvSettings, Error, ErrorKind, Result, limits};
use zip::ZipArchive;
use zip::result::ZipError;

use super::guard::{Guard, Packing, Source};
use super::{Member, encoding, read_error};

/// Bytes that are read from the landing at once.
const READ_BYTES: usize = 128 << 10;

const PACKING: Packing = Packing { name: "the zip", ratio_max: limits::BOMB_DEFLATE_RATIO_MAX };

/// Calls `visit` with each file of the archive until it says `false`.
pub fn members(mut source: Source, csv: &CsvSettings, visit: &mut dyn FnMut(Member<'_>) -> Result<bool>) -> Result<()> {
    check_count(&mut source)?;
    let (taken, given) = (source.taken(), Arc::default());
    let mut archive = ZipArchive::new(BufReader::with_capacity(READ_BYTES, source)).map_err(broken)?;
    for (name, index) in files(&mut archive)? {
        let file = archive.by_index(index).map_err(|error| broken(error).while_(&name))?;
        let unpacked = Guard::new(file, PACKING, taken.clone(), Arc::clone(&given));
        let text = encoding::text(Box::new(unpacked), csv).map_err(|error| error.while_(&name))?;
        if !visit(Member { name: Some(name), text })? {
            break;
        }
    }
    Ok(())
}

/// Names and indexes of the files, by name; every name is checked before any file is read.
fn files(archive: &mut ZipArchive<BufReader<Source>>) -> Result<Vec<(String, usize)>> {
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(broken)?;
        let name = String::from_utf8_lossy(file.name_raw()).into_owned();
        if escapes(&name) {
            let message = format!("the zip has a member named {name:?}, which would leave its folder; names are relative and use /");
            return Err(Error::new(ErrorKind::BrokenContainer, message));
        }
        if file.encrypted() {
            let message = format!("the zip's member {name:?} is encrypted; pack it without a password");
            return Err(Error::new(ErrorKind::BrokenContainer, message));
        }
        if !name.ends_with('/') && !name.starts_with("__MACOSX/") {
            files.push((name, index));
        }
    }
    files.sort();
    Ok(files)
}

fn escapes(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    drive || name.starts_with('/') || name.contains(['\\', '\0']) || name.split('/').any(|part| part == "..")
}

fn broken(error: ZipError) -> Error {
    match error {
        ZipError::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<Error>()) => read_error(error),
        error => Error::new(ErrorKind::BrokenContainer, format!("the zip is damaged or of a kind that is not read: {error}")),
    }
}

/// How the records at the end of a zip begin (APPNOTE 4.3.15 and 4.3.16).
const END_MAGIC: &[u8] = b"PK\x05\x06";
const LOCATOR_MAGIC: &[u8] = b"PK\x06\x07";

/// Bytes of the records that end a zip, and of the longest comment behind them.
const END_64_BYTES: u64 = 56;
const END_BYTES: u64 = 22 + 20;
const COMMENT_BYTES_MAX: u64 = 0xffff;

/// Refuses an archive of too many members before its directory is read into memory. Whatever record claims to be the
/// last one is believed only when all of them claim little.
fn check_count(source: &mut Source) -> Result<()> {
    let tail = source.size().min(END_BYTES + COMMENT_BYTES_MAX);
    let mut end = Vec::new();
    source.seek(SeekFrom::Start(source.size() - tail)).map_err(read_error)?;
    source.by_ref().take(tail).read_to_end(&mut end).map_err(read_error)?;
    let mut most = 0;
    for at in memchr::memmem::find_iter(&end, END_MAGIC) {
        // 0xffff there says that the 64-bit record has the count.
        if let Some(count) = number::<2>(&end, at + 10).filter(|count| *count < 0xffff) {
            most = most.max(count);
        }
    }
    for at in memchr::memmem::find_iter(&end, LOCATOR_MAGIC) {
        let Some(position) = number::<8>(&end, at + 8) else { continue };
        let mut record = Vec::new();
        source.seek(SeekFrom::Start(position.min(source.size()))).map_err(read_error)?;
        source.by_ref().take(END_64_BYTES).read_to_end(&mut record).map_err(read_error)?;
        most = most.max(number::<8>(&record, 32).unwrap_or(u64::MAX));
    }
    source.rewind().map_err(read_error)?;
    if most > limits::ARCHIVE_MEMBERS_MAX as u64 {
        let message = format!("the zip has more than {} members", limits::ARCHIVE_MEMBERS_MAX);
        return Err(Error::new(ErrorKind::BrokenContainer, message));
    }
    Ok(())
}

/// The little-endian number of `N` bytes at `at`.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let digits = bytes.get(at..)?.first_chunk::<N>()?;
    Some(digits.iter().rev().fold(0, |number, digit| number << 8 | u64::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_the_folder_are_known() {
        for bad in ["../x", "a/../../x", "/etc/passwd", "a\\b", "C:x", "..", "a\0b"] {
            assert!(escapes(bad), "{bad}");
        }
        for good in ["a.csv", "a/b.csv", "..a", "a..b/c", "C/x"] {
            assert!(!escapes(good), "{good}");
        }
    }
}
