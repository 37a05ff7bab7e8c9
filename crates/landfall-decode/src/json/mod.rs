//! JSON records: a line each, elements of one array, or objects one after
//! another.

pub mod events;
mod frame;
mod quoted;
mod rows;
pub mod scan;
mod shape;
pub mod string;

use landfall_model::{Error, ErrorKind, Result};

use crate::build::Flawed;
use crate::input::Window;
use crate::run::Run;
use crate::survey::Survey;
pub use frame::Framing;
use frame::{Frame, Framer};
pub use rows::cell;
use rows::{JsonRows, Read};
use scan::What;
use shape::Shape;

/// Records that are looked at together while surveying.
const SURVEY_RECORDS: usize = 4 << 10;

/// Reads one text of JSON records.
pub fn read(text: &mut Window<'_>, framing: Framing, run: &mut Run<'_>) -> Result<()> {
    let mut framer = Framer::new(framing);
    let mut shape = Shape::new(run.columns);
    let mut rows = JsonRows::new(run.columns.list.len());
    let sources: Vec<Option<usize>> = (0..run.columns.list.len()).map(Some).collect();
    loop {
        let records = if run.survey.is_some() { SURVEY_RECORDS } else { run.batch.room() };
        let used = framer.frame(text, records)?;
        if framer.frames.is_empty() && framer.flawed.is_empty() {
            return Ok(());
        }
        let block = &text.bytes()[..used];
        check_utf8(block, &mut framer);
        if run.survey.is_none() && !decode(block, &mut framer, &mut shape, &mut rows, text.offset())? {
            // A name that the table lacks: from this block on the records are only looked through.
            run.survey = Some(Survey::thorough(run.columns.list.len()));
        }
        match &mut run.survey {
            Some(survey) => {
                look(block, &framer, &mut shape, survey, text.offset())?;
                survey.looked_at(used);
                if survey.is_done() {
                    return Ok(());
                }
            }
            None => run.take(&rows.cells(block), &framer.flawed, &sources, text.offset())?,
        }
        text.consume(used);
    }
}

/// Reads the framed records into `rows`; false when one holds a name that is to become a column.
fn decode(block: &[u8], framer: &mut Framer, shape: &mut Shape<'_>, rows: &mut JsonRows, offset: u64) -> Result<bool> {
    rows.clear();
    for frame in &framer.frames {
        match rows.read(block, frame, shape) {
            Read::Row => {}
            Read::NewName => return Ok(false),
            Read::Flawed(reason) => framer.flawed.push(Flawed { span: frame.span.clone(), line: frame.line, reason }),
            Read::Broken(fault) => match unreadable(framer.framing, block, frame, fault, offset) {
                Ok(flawed) => framer.flawed.push(flawed),
                Err(error) => return Err(error),
            },
        }
    }
    Ok(true)
}

/// Shows the survey the names of the framed records that the table lacks.
fn look(block: &[u8], framer: &Framer, shape: &mut Shape<'_>, survey: &mut Survey, offset: u64) -> Result<()> {
    for frame in &framer.frames {
        if let Err(fault) = rows::look(block, frame, shape, survey) {
            unreadable(framer.framing, block, frame, fault, offset)?;
        }
    }
    Ok(())
}

/// What a record that is not JSON does: a line is rejected; in an array nothing behind it can be told apart; and what is
/// nested too deep is an attack or an accident that the file is refused for.
fn unreadable(framing: Framing, block: &[u8], frame: &Frame, fault: scan::Fault, offset: u64) -> Result<Flawed> {
    let place = |error: Error| error.at(frame.line, offset + frame.span.start as u64);
    let reason = format!("not JSON: {} at byte {} of the record", fault.reason(&block[..frame.span.end]), fault.at - frame.span.start);
    if fault.what == What::TooDeep {
        return Err(place(frame::too_deep()));
    }
    match framing {
        Framing::Lines => Ok(Flawed { span: frame.span.clone(), line: frame.line, reason }),
        Framing::Array | Framing::Objects => Err(place(Error::new(ErrorKind::Syntax, reason))),
    }
}

/// Moves records that are not UTF-8 to the flawed ones.
fn check_utf8(block: &[u8], framer: &mut Framer) {
    if simdutf8::basic::from_utf8(block).is_ok() {
        return;
    }
    let flawed = &mut framer.flawed;
    framer.frames.retain(|frame| match simdutf8::compat::from_utf8(&block[frame.span.clone()]) {
        Ok(_) => true,
        Err(error) => {
            let at = error.valid_up_to();
            let reason = format!("byte 0x{:02x} at {at} of the record is not UTF-8, which JSON is", block[frame.span.start + at]);
            flawed.push(Flawed { span: frame.span.clone(), line: frame.line, reason });
            false
        }
    });
}
