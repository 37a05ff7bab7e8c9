//! The batch being built, and what is rejected on the way.

use std::ops::Range;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use landfall_model::{Columns, Error, Place, Result, limits};

use super::Cells;
use super::column::Column;
use crate::value;
use crate::{Decoded, Rejected, Summary, schema};

/// A record that is no row, whatever its values: what is wrong with it, and where it stands in its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flawed {
    pub span: Range<usize>,
    pub line: u64,
    pub reason: String,
}

/// Cells of one batch at the most, so that wide tables have shorter ones.
const BATCH_CELLS: usize = 4 << 20;

pub struct Batch<'a> {
    columns: &'a Columns,
    schema: SchemaRef,
    builders: Vec<Column>,
    lines: Vec<u64>,
    /// Which rows hold a value that does not fit; shorter than the rows where none behind it does.
    bad: Vec<bool>,
    rejects: Vec<Rejected>,
    bytes: usize,
    pub summary: Summary,
}

impl<'a> Batch<'a> {
    pub fn new(columns: &'a Columns) -> Batch<'a> {
        let builders = columns.list.iter().map(|column| Column::new(&column.kind)).collect();
        let (lines, bad, rejects) = (Vec::new(), Vec::new(), Vec::new());
        Batch { columns, schema: schema(columns), builders, lines, bad, rejects, bytes: 0, summary: Summary::default() }
    }

    /// Records that the batch still takes; none when it is to be finished.
    pub fn room(&self) -> usize {
        let rows = limits::BATCH_ROWS.min(BATCH_CELLS / self.columns.list.len().max(1));
        if self.bytes >= limits::BATCH_BYTES || self.rejects.len() >= rows { 0 } else { rows.saturating_sub(self.lines.len()) }
    }

    /// Takes a block of records, and those in it that are flawed. `sources`: for each column of the table, the one of
    /// the input that it comes from. `offset`: position of the block in the text. `member`: of an archive.
    pub fn take<C: Cells>(&mut self, cells: &C, flawed: &[Flawed], sources: &[Option<usize>], offset: u64, member: Option<&str>) {
        let first = self.rejects.len();
        let mut misfits: Vec<Flawed> = Vec::new();
        self.values(cells, sources, &mut misfits);
        for flawed in flawed.iter().chain(&misfits) {
            self.reject(cells.block(), flawed, offset, member);
        }
        self.rejects[first..].sort_by_key(|reject| reject.place.byte_offset);
        self.lines.extend((0..cells.rows()).map(|row| cells.line(row)));
        self.bytes += (0..cells.rows()).map(|row| cells.span(row).len()).sum::<usize>();
        self.summary.records += (cells.rows() + flawed.len()) as u64;
    }

    fn values<C: Cells>(&mut self, cells: &C, sources: &[Option<usize>], misfits: &mut Vec<Flawed>) {
        let before = self.lines.len();
        for ((builder, column), source) in self.builders.iter_mut().zip(&self.columns.list).zip(sources) {
            let bad = &mut self.bad;
            builder.fill(cells, *source, &mut |row, cell, why| {
                if bad.get(before + row) == Some(&true) {
                    return;
                }
                bad.resize(bad.len().max(before + cells.rows()), false);
                bad[before + row] = true;
                let reason = value::misfit(&column.name, &column.kind, &cell.shown(), why);
                misfits.push(Flawed { span: cells.span(row), line: cells.line(row), reason });
            });
        }
    }

    fn reject(&mut self, block: &[u8], flawed: &Flawed, offset: u64, member: Option<&str>) {
        let raw = &block[flawed.span.clone()];
        let place = Place { line: flawed.line, byte_offset: offset + flawed.span.start as u64 };
        let reason = member.map_or_else(|| flawed.reason.clone(), |member| format!("{member}: {}", flawed.reason));
        let kept = raw[..raw.len().min(limits::REJECT_RAW_BYTES_MAX)].to_vec();
        self.bytes += kept.len();
        self.summary.rejected_records += 1;
        self.summary.rejected_bytes += raw.len() as u64;
        self.rejects.push(Rejected { place, reason, raw: kept, bytes: raw.len() as u64 });
    }

    /// What was taken since the last time, if anything was; the batch is empty again.
    pub fn finish(&mut self) -> Result<Option<Decoded>> {
        self.bytes = 0;
        if self.lines.is_empty() && self.rejects.is_empty() {
            return Ok(None);
        }
        let arrays = self.builders.iter_mut().map(Column::finish).collect::<Result<Vec<_>>>()?;
        let mut lines = std::mem::take(&mut self.lines);
        let mut batch = record_batch(&self.schema, arrays, lines.len())?;
        if !self.bad.is_empty() {
            self.bad.resize(lines.len(), false);
            let keep: Vec<bool> = self.bad.drain(..).map(|bad| !bad).collect();
            let mut kept = keep.iter();
            lines.retain(|_| kept.next().copied().unwrap_or(true));
            batch = filter_record_batch(&batch, &BooleanArray::from(keep)).map_err(|error| Error::internal("taking out rejects", error))?;
        }
        Ok(Some(Decoded { batch, lines, rejects: std::mem::take(&mut self.rejects) }))
    }
}

fn record_batch(schema: &SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(|error| Error::internal("building a batch", error))
}
