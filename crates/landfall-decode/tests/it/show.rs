//! Decodes an input and shows what came of it as text to compare with.

use std::fmt::Write as _;
use std::io::{Cursor, Read, Seek, SeekFrom};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use expect_test::Expect;
use landfall_decode::{Content, Decoded, Input, Options, Outcome, Summary, decode, infer};
use landfall_model::{Column, Columns, CsvSettings, Error, Result, Timestamp};

/// An input that gives at most `step` bytes at once.
pub struct Slow {
    pub inner: Cursor<Vec<u8>>,
    pub step: usize,
}

impl Read for Slow {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = out.len().min(self.step);
        self.inner.read(&mut out[..count])
    }
}

impl Seek for Slow {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

/// An input with its settings.
#[derive(Clone)]
pub struct Case {
    pub bytes: Vec<u8>,
    pub csv: CsvSettings,
    pub name: Option<&'static str>,
    pub content: Content,
    /// `name type, name type`; none: inferred.
    pub declared: Option<&'static str>,
    pub step: usize,
}

pub fn file(bytes: impl AsRef<[u8]>) -> Case {
    let bytes = bytes.as_ref().to_vec();
    Case { bytes, csv: CsvSettings::default(), name: None, content: Content::File, declared: None, step: usize::MAX }
}

pub fn columns(text: &str, declared: bool) -> Columns {
    let column = |part: &str| {
        let (name, kind) = part.trim().split_once(' ').unwrap();
        Column::new(name, kind.parse().unwrap())
    };
    let list = text.split(", ").filter(|part| !part.is_empty()).map(column).collect();
    Columns { version: 1, declared, list }
}

impl Case {
    pub fn declared(self, columns: &'static str) -> Case {
        Case { declared: Some(columns), ..self }
    }

    pub fn named(self, name: &'static str) -> Case {
        Case { name: Some(name), ..self }
    }

    pub fn csv(self, csv: CsvSettings) -> Case {
        Case { csv, ..self }
    }

    pub fn events(self) -> Case {
        Case { content: Content::Events, ..self }
    }

    fn input(&self) -> Box<dyn Input> {
        Box::new(Slow { inner: Cursor::new(self.bytes.clone()), step: self.step })
    }

    fn options(&self) -> Options<'_> {
        Options { csv: &self.csv, file_name: self.name, content: self.content }
    }

    /// The columns that are declared, or those that the content suggests.
    pub fn columns(&self) -> Result<Columns> {
        if let Some(declared) = self.declared {
            return Ok(columns(declared, true));
        }
        let list = infer(self.input(), &self.options(), &Columns::default())?;
        Ok(Columns { version: 1, declared: false, list })
    }

    pub fn decode(&self, columns: &Columns) -> Result<(Vec<Decoded>, Outcome)> {
        let mut decoded = Vec::new();
        let outcome = decode(self.input(), &self.options(), columns, &mut |batch| {
            assert_eq!(batch.batch.num_rows(), batch.lines.len());
            decoded.push(batch);
            Ok(())
        })?;
        Ok((decoded, outcome))
    }

    /// The rows and the summary, with columns inferred or declared.
    pub fn done(&self) -> Result<(Vec<Decoded>, Columns, Summary)> {
        let mut columns = self.columns()?;
        loop {
            match self.decode(&columns)? {
                (decoded, Outcome::Done(summary)) => return Ok((decoded, columns, summary)),
                (_, Outcome::NewColumns(list)) => {
                    assert!(!list.is_empty(), "new columns are asked for and none are named");
                    columns.list.extend(list);
                }
            }
        }
    }

    pub fn error(&self) -> Error {
        match self.done() {
            Ok(_) => panic!("decoded what was to be refused"),
            Err(error) => error,
        }
    }
}

pub fn cell(batch: &RecordBatch, column: usize, row: usize) -> String {
    let array = batch.column(column);
    if array.is_null(row) {
        return "∅".into();
    }
    if let Some(moments) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        return Timestamp(moments.value(row)).to_string();
    }
    let options = FormatOptions::default().with_null("∅");
    ArrayFormatter::try_new(array.as_ref(), &options).unwrap().value(row).to_string()
}

fn shown(case: &Case) -> String {
    let (decoded, columns, summary) = match case.done() {
        Ok(done) => done,
        Err(error) => return format!("{}: {error}", error.kind.code()),
    };
    let mut out = String::new();
    let header: Vec<String> = columns.list.iter().map(|column| format!("{} {}", column.name, column.kind)).collect();
    writeln!(out, "{}", header.join(" | ")).unwrap();
    for decoded in &decoded {
        for (row, line) in decoded.lines.iter().enumerate() {
            let cells: Vec<String> = (0..decoded.batch.num_columns()).map(|column| cell(&decoded.batch, column, row)).collect();
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('\r', "\\r").replace('\n', "\\n")).collect();
            writeln!(out, "{line}: {}", cells.join(" | ")).unwrap();
        }
        for reject in &decoded.rejects {
            let raw = String::from_utf8_lossy(&reject.raw).escape_debug().to_string();
            writeln!(out, "reject line {} byte {}: {} [{raw}]", reject.place.line, reject.place.byte_offset, reject.reason).unwrap();
        }
    }
    let rows: usize = decoded.iter().map(|decoded| decoded.lines.len()).sum();
    assert_eq!(summary.records, rows as u64 + summary.rejected_records);
    writeln!(out, "{summary:?}").unwrap();
    out.replace("Summary ", "")
}

/// What the input becomes, the same however it is cut.
#[track_caller]
pub fn check(case: Case, expected: Expect) {
    let whole = shown(&case);
    for step in [1, 3] {
        assert_eq!(shown(&Case { step, ..case.clone() }), whole, "read {step} bytes at a time");
    }
    expected.assert_eq(&whole);
}
