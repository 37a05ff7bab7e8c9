//! CSV and its kin: a text becomes blocks of records, a block becomes a table
//! of cells.

mod cells;
mod dialect;
mod header;
mod marks;
mod plan;
mod reader;
mod split;

use landfall_model::{Error, ErrorKind, Result};

use crate::build::Cells;
use crate::input::Window;
use crate::run::Run;
use crate::survey::Survey;
use cells::{CsvCells, Nulls};
use plan::Plan;
use reader::Reader;

/// Records that are looked at together while surveying.
const SURVEY_RECORDS: usize = 16 << 10;

/// Reads one text of CSV. `name`: of the file, for what its content does not tell.
pub fn read(text: &mut Window<'_>, name: Option<&str>, run: &mut Run<'_>) -> Result<()> {
    let settings = run.options.csv;
    let dialect = dialect::tell(text.bytes(), text.ended(), settings, name)?;
    let nulls = Nulls::new(settings);
    let mut reader = Reader::new(text, dialect);
    let Some(names) = names(&mut reader, run)? else { return Ok(()) };
    header::check(&names, !run.columns.declared).map_err(|error| reader.place(error))?;
    let headed = settings.header.unwrap_or(true);
    let place = reader.here();
    if headed {
        reader.next_block();
    }
    if !reader.read(Some(names.len()), 1)? {
        // A header alone says nothing about types, so it adds no columns.
        return Ok(());
    }
    let plan = Plan::new(&names, headed, run).map_err(|error| error.at(place.line, place.byte_offset))?;
    loop {
        let records = if run.survey.is_some() { SURVEY_RECORDS } else { run.batch.room() };
        if !reader.read(Some(names.len()), records)? {
            return Ok(());
        }
        reader.check_utf8();
        let cells = CsvCells { block: reader.block(), rows: &reader.rows, dialect, nulls: &nulls };
        match &mut run.survey {
            Some(survey) => {
                see(survey, &cells, &plan.surveyed, reader.used());
                if survey.is_sated() {
                    return Ok(());
                }
            }
            None => run.take(&cells, &reader.rows.flawed, &plan.sources, reader.offset())?,
        }
        reader.next_block();
    }
}

/// The names of the columns, or none if there is no record. The record that they were told by is still to be consumed.
fn names(reader: &mut Reader<'_, '_>, run: &Run<'_>) -> Result<Option<Vec<String>>> {
    if !reader.read(None, 1)? {
        return Ok(None);
    }
    let header = run.options.csv.header.unwrap_or(true);
    reader.counted_by(if header { "header" } else { "table" });
    if let Some(flawed) = reader.rows.flawed.first() {
        return Err(reader.place(Error::new(ErrorKind::BadHeader, format!("the first line cannot be read: {}", flawed.reason))));
    }
    let names = if header {
        header::names(reader.block(), &reader.rows, reader.dialect).map_err(|error| reader.place(error))?
    } else if run.columns.declared {
        run.columns.list.iter().map(|column| column.name.clone()).collect()
    } else {
        reader.counted_by("first row");
        header::numbers(reader.rows.fields).map_err(|error| reader.place(error))?
    };
    Ok(Some(names))
}

/// Shows the survey the cells of the columns that it is about.
fn see(survey: &mut Survey, cells: &CsvCells<'_>, surveyed: &[(usize, usize)], bytes: usize) {
    let mut scratch = Vec::new();
    for (field, column) in surveyed {
        let guess = survey.guess(*column);
        (0..cells.rows()).for_each(|row| guess.see(cells.cell(row, *field, false, &mut scratch)));
    }
    survey.looked_at(bytes);
}
