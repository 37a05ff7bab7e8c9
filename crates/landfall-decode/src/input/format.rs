//! Which format a text is in: told by how it begins, then by the extension
//! of its name.

use landfall_model::{Error, ErrorKind, Result};

use crate::json::scan;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Nothing but white space.
    Empty,
    Csv,
    /// One JSON object a line.
    Lines,
    /// One JSON array of objects.
    Array,
    /// JSON objects that go over several lines, one after another.
    Objects,
}

/// Bytes of the beginning in which a NUL says that this is not text.
const BINARY_BYTES: usize = 4096;

/// What binary files are called that people land by mistake.
const BINARY: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PAR1", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "an SQLite database"),
];

/// What text files are called that are neither CSV nor JSON.
const OTHER: &[(&[u8], &str)] =
    &[(b"<?xml", "XML"), (b"<!DOCTYPE", "HTML"), (b"<!doctype", "HTML"), (b"<html", "HTML"), (b"{\\rtf", "RTF")];

/// `head`: as much of the text as the first window shows. `name`: of the file or the archive's member.
pub fn tell(head: &[u8], name: Option<&str>) -> Result<Format> {
    if let Some((_, what)) = BINARY.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(not_text(&format!("this is {what}")));
    }
    if let Some(at) = memchr::memchr(0, &head[..head.len().min(BINARY_BYTES)]) {
        let hint = "if it is UTF-16 without a byte order mark, set csv.encoding";
        return Err(not_text(&format!("byte {at} is NUL, which text does not hold; {hint}")));
    }
    let text = head.trim_ascii_start();
    if let Some((_, what)) = OTHER.iter().find(|(magic, _)| text.starts_with(magic)) {
        let message = format!("this is {what}; what can be decoded is CSV, NDJSON and JSON, plain or in gzip, zstd, bzip2 or zip");
        return Err(Error::new(ErrorKind::UnknownFormat, message));
    }
    let extension = name.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension.to_ascii_lowercase());
    let extension = extension.as_deref().unwrap_or("");
    Ok(match text.first() {
        None => Format::Empty,
        Some(b'{') if begins_json(text, extension) => object_form(text),
        Some(b'[') if begins_json(text, extension) => Format::Array,
        _ if matches!(extension, "ndjson" | "jsonl") => Format::Lines,
        _ if extension == "json" => Format::Objects,
        _ => Format::Csv,
    })
}

fn not_text(what: &str) -> Error {
    Error::new(ErrorKind::NotText, format!("{what}; what can be decoded is text: CSV, NDJSON or JSON")).at(1, 0)
}

/// Whether a text that begins with a bracket is JSON: a CSV header may begin so, too (`[id],[name]`).
fn begins_json(text: &[u8], extension: &str) -> bool {
    let inside = text[1..].trim_ascii_start().first();
    let json = match text[0] {
        b'{' => matches!(inside, None | Some(b'"' | b'}')),
        _ => matches!(inside, None | Some(b'{' | b'[' | b']')),
    };
    json || matches!(extension, "json" | "ndjson" | "jsonl")
}

/// Objects of a line each, or objects over several lines. A first line that is cut off does not hide the good ones behind it.
fn object_form(text: &[u8]) -> Format {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let is_object = |line: &[u8]| line.first() == Some(&b'{') && scan::whole(line).is_ok();
    let (first, second) = (lines.next().unwrap_or_default(), lines.next());
    if is_object(first) {
        return Format::Lines;
    }
    let closes = matches!(scan::extent(text, 0), Ok(scan::Extent::Ends(end)) if scan::whole(&text[..end]).is_ok());
    if !closes && second.is_none_or(is_object) { Format::Lines } else { Format::Objects }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, name: &str, expected: Format) {
        assert_eq!(tell(text.as_bytes(), Some(name)).unwrap(), expected, "{text} {name}");
    }

    #[test]
    fn formats_are_told_by_content_then_by_extension() {
        check("a,b\n1,2\n", "x", Format::Csv);
        check("a,b\n1,2\n", "x.json.csv", Format::Csv);
        check(" \r\n\t", "x.csv", Format::Empty);
        check("{\"a\":1}\n{\"a\":2}\n", "x.csv", Format::Lines);
        check("{\"a\":1}", "x", Format::Lines);
        check("{\"a\":\n{\"a\":1}\n", "x", Format::Lines);
        check("{\n \"a\": 1\n}\n{\n \"a\": 2\n}", "x", Format::Objects);
        check(" [\n{\"a\":1}]", "x", Format::Array);
        check("[]", "x", Format::Array);
        check("[id],[name]\n1,2\n", "x.csv", Format::Csv);
        check("{id};{name}\n1;2\n", "x", Format::Csv);
        check("5\n", "x.json", Format::Objects);
        check("oops\n{\"a\":1}\n", "x.ndjson", Format::Lines);
    }

    #[test]
    fn what_is_not_text_says_what_it_is() {
        let kind = |bytes: &[u8]| tell(bytes, None).unwrap_err().kind;
        assert_eq!(kind(b"%PDF-1.7"), ErrorKind::NotText);
        assert_eq!(kind(b"a,b\0"), ErrorKind::NotText);
        assert_eq!(kind(b"<?xml version='1.0'?>"), ErrorKind::UnknownFormat);
    }
}
