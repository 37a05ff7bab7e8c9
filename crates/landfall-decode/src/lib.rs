//! Decodes: bytes to Arrow record batches, streaming, with rejects.
//!
//! `input` unpacks containers and turns encodings into UTF-8; `csv` and `json`
//! cut a text into records and show a block of them as a table of cells;
//! `build` turns cells into columns, by the rules of `value`, and takes out the
//! records that do not fit; `survey` tells the types of columns that are not
//! fixed yet. `run` leads one input through them. Memory does not grow with the
//! input, and no input makes it panic.

mod build;
mod csv;
mod input;
mod json;
mod names;
mod run;
mod survey;
mod types;
mod value;

use arrow::array::RecordBatch;
use landfall_model::{Column, Columns, CsvSettings, Place, Result};

pub use input::Input;
pub use json::events::{Events, events};
pub use types::{arrow_type, schema};

/// What the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file as it was landed: container, encoding and format are told by its bytes.
    File,
    /// Events in the form that `events` gives: one JSON object a line.
    Events,
}

/// How to decode.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    pub csv: &'a CsvSettings,
    /// Tells the format where the content does not.
    pub file_name: Option<&'a str>,
    pub content: Content,
}

/// Some records, in the order of the input.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// Exactly the columns asked for, in their order.
    pub batch: RecordBatch,
    /// For each row: the physical line, counted from 1, on which its record starts.
    pub lines: Vec<u64>,
    /// The records that are no rows, from where the last batch ended to where this one does.
    pub rejects: Vec<Rejected>,
}

/// One record that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub place: Place,
    /// Which rule, which column, which value.
    pub reason: String,
    /// The record as it came (in UTF-8), at most `REJECT_RAW_BYTES_MAX` bytes of it.
    pub raw: Vec<u8>,
    /// Bytes of the whole record, without what parts it from the next.
    pub bytes: u64,
}

/// What was decoded. `records` = rows + `rejected_records`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub records: u64,
    /// Of the decoded text, with headers and line breaks.
    pub bytes: u64,
    pub rejected_records: u64,
    /// Of the raw records, without what parts them.
    pub rejected_bytes: u64,
}

/// How decoding ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done(Summary),
    /// The input has columns that the table lacks: fix them, then decode again. What was emitted before is void.
    NewColumns(Vec<Column>),
}

/// The columns that the input suggests beside those of `fixed`, in the order in which they come up; none if `fixed` is
/// declared. Reads at most `INFER_BYTES_MAX` of the text.
///
/// CSV: boolean (`true`, `false`), bigint, double, date, timestamp, else text; columns without a value are text; numbers
/// that would lose something (leading zeros, whole numbers beyond 64 bits) are text. JSON in files: numbers bigint or
/// double, strings text (or date or timestamp), arrays and objects json; in events all numbers are double and all
/// strings text. Mixed values are text, and json with an array or object among them; a name that only ever holds null is
/// no column yet.
pub fn infer(input: Box<dyn Input>, options: &Options, fixed: &Columns) -> Result<Vec<Column>> {
    if fixed.declared {
        return Ok(Vec::new());
    }
    let mut sink = |_: Decoded| Ok(());
    let mut run = run::Run::new(options, fixed, &mut sink);
    run.survey = Some(survey::Survey::bounded(fixed.list.len()));
    run.read(input)?;
    match run.outcome() {
        Outcome::NewColumns(columns) => Ok(columns),
        Outcome::Done(_) => Ok(Vec::new()),
    }
}

/// Calls `sink` with each batch, in order, until it returns an error, which is then given back.
///
/// If `columns` are declared, other names in the input are left out; else the first name that `columns` lacks ends the
/// batches, and the rest of the input is only looked through, so that the list of new columns is complete. An error is
/// about the input as a whole (its kind says what), and what was emitted before it is void.
pub fn decode(input: Box<dyn Input>, options: &Options, columns: &Columns, sink: &mut dyn FnMut(Decoded) -> Result<()>) -> Result<Outcome> {
    let mut run = run::Run::new(options, columns, sink);
    run.read(input)?;
    Ok(run.outcome())
}
