//! Which delimiter and quote a CSV file uses.

use landfall_model::{CsvSettings, Error, ErrorKind, Result};

use super::split::{Dialect, Rows, Task, split};

/// Delimiters that are told apart, the likelier first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Records that the choice is made by.
const RECORDS: usize = 100;

/// Bytes that the choice is made by.
const HEAD_BYTES: usize = 64 << 10;

/// The dialect that the settings say, or else the one that `head` looks most like.
pub fn tell(head: &[u8], last: bool, settings: &CsvSettings, name: Option<&str>) -> Result<Dialect> {
    let quote = ascii(settings.quote, "quote")?.unwrap_or(b'"');
    let delimiter = match ascii(settings.delimiter, "delimiter")? {
        Some(delimiter) => delimiter,
        None => likeliest(&head[..head.len().min(HEAD_BYTES)], last && head.len() <= HEAD_BYTES, quote, name),
    };
    if delimiter == quote {
        return Err(Error::new(ErrorKind::BadHeader, "csv.delimiter and csv.quote are the same character"));
    }
    Ok(Dialect { delimiter, quote })
}

fn ascii(setting: Option<char>, name: &str) -> Result<Option<u8>> {
    let Some(character) = setting else { return Ok(None) };
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(Some(byte)),
        _ => {
            Err(Error::new(ErrorKind::BadHeader, format!("csv.{name} is {character:?}; it must be one ASCII character, not a line break")))
        }
    }
}

/// The delimiter that gives the first record most fields, among those by which most records have as many as the first.
fn likeliest(head: &[u8], last: bool, quote: u8, name: Option<&str>) -> u8 {
    let extension = name.and_then(|name| name.rsplit_once('.')).map_or("", |(_, extension)| extension);
    let tabs = extension.eq_ignore_ascii_case("tsv") || extension.eq_ignore_ascii_case("tab");
    let fallback = if tabs { b'\t' } else { b',' };
    let scored = DELIMITERS.into_iter().filter(|delimiter| *delimiter != quote).map(|delimiter| {
        let (share, fields) = score(head, last, Dialect { delimiter, quote });
        (share, fields, delimiter == fallback, delimiter)
    });
    scored.filter(|(_, fields, ..)| *fields > 1).max().map_or(fallback, |(.., delimiter)| delimiter)
}

/// Tenths of the records that have as many fields as the first, and how many that are.
fn score(head: &[u8], last: bool, dialect: Dialect) -> (usize, usize) {
    let mut rows = Rows::default();
    let mut task = Task { dialect, block: head, last, line: 1, fields: None, records_max: RECORDS, counted_by: "" };
    let mut done = split(&task, &mut rows);
    if rows.len() + rows.flawed.len() == 0 && !head.is_empty() {
        // Not one whole record in sight: what there is of it has to do.
        task.last = true;
        done = split(&task, &mut rows);
    }
    let records = rows.len() + rows.flawed.len();
    if records == 0 || (done.quoted && task.last) { (0, 0) } else { (rows.len() * 10 / records, rows.fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, name: &str, expected: u8) {
        let dialect = tell(head.as_bytes(), true, &CsvSettings::default(), Some(name)).unwrap();
        assert_eq!(dialect.delimiter as char, expected as char, "{head}");
    }

    #[test]
    fn delimiters_are_told_by_what_they_would_give() {
        check("a,b\n1,2\n", "x.csv", b',');
        check("a;b;c\n1,5;2,5;3,5\n", "x.csv", b';');
        check("a\tb\n1,2,3\t4\n", "x.csv", b'\t');
        check("a|b\n1|2", "x.csv", b'|');
        check("name,note\nx,\"a;b;c\"\ny,d\n", "x.csv", b',');
        check("one\n1\n2\n", "x.csv", b',');
        check("one\n1\n2\n", "x.TSV", b'\t');
        check("a,b\tc\n1\t2\n", "x.tsv", b'\t');
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        let settings = |delimiter, quote| CsvSettings { delimiter, quote, ..CsvSettings::default() };
        for bad in [settings(Some('é'), None), settings(Some('\n'), None), settings(Some('"'), None), settings(None, Some('→'))] {
            assert!(tell(b"a,b\n", true, &bad, None).is_err(), "{bad:?}");
        }
    }
}
