//! A run of decoded events of one region, in the order of their numbers.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use landfall_model::{Error, Result};
use landfall_tables::fit::fit;

use super::budget::{Budget, Held};

/// Neighbours are not merged into chunks of more rows: by then a chunk costs next to nothing to pass over.
const MERGED_ROWS_MAX: usize = 64 << 10;

/// The events `first..=last`, or what the transform left of them. Cloning shares the rows.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub first: i64,
    pub last: i64,
    /// `None` beyond the memory limit: who needs the rows decodes them again.
    rows: Option<Arc<Rows>>,
}

#[derive(Debug)]
struct Rows {
    batch: RecordBatch,
    _held: Held,
}

impl Chunk {
    /// Keeps `rows` if the budget allows it, else only which events they are.
    pub fn new(first: i64, last: i64, batch: RecordBatch, budget: &Budget) -> Chunk {
        let rows = budget.take(batch.get_array_memory_size()).map(|held| Arc::new(Rows { batch, _held: held }));
        Chunk { first, last, rows }
    }

    pub fn is_beyond(&self) -> bool {
        self.rows.is_none()
    }

    /// True where this chunk should become one with `next`. Only a chunk that is not much larger than its
    /// neighbour is merged, so that a row is copied a logarithmic number of times.
    fn takes(&self, next: &Chunk) -> bool {
        match (&self.rows, &next.rows) {
            (None, None) => true,
            (Some(left), Some(right)) => {
                let (left, right) = (&left.batch, &right.batch);
                left.schema() == right.schema()
                    && left.num_rows() <= 2 * right.num_rows().max(1)
                    && left.num_rows() + right.num_rows() <= MERGED_ROWS_MAX
            }
            _ => false,
        }
    }

    /// Both as one; `None` where memory does not allow it.
    fn merged(&self, next: &Chunk, budget: &Budget) -> Result<Option<Chunk>> {
        let (Some(left), Some(right)) = (&self.rows, &next.rows) else {
            return Ok(Some(Chunk { first: self.first, last: next.last, rows: None }));
        };
        let both = concat_batches(left.batch.schema_ref(), [&left.batch, &right.batch]);
        let both = both.map_err(|error| Error::internal("joining decoded events", error))?;
        Ok(Some(Chunk::new(self.first, next.last, both, budget)).filter(|merged| !merged.is_beyond()))
    }

    /// Puts `next`, which follows the last of `chunks`, behind it.
    pub fn push(chunks: &mut Vec<Chunk>, mut next: Chunk, budget: &Budget) -> Result<()> {
        while let Some(last) = chunks.last().filter(|last| last.takes(&next)) {
            let Some(merged) = last.merged(&next, budget)? else { break };
            chunks.pop();
            next = merged;
        }
        chunks.push(next);
        Ok(())
    }

    /// Its rows above `seq`, as columns of `schema`; `None` beyond the memory limit.
    pub fn rows_above(&self, seq: i64, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        let Some(rows) = &self.rows else { return Ok(None) };
        let kept = if self.first > seq { rows.batch.clone() } else { slice_above(&rows.batch, seq) };
        fit(&kept, schema).map(Some)
    }
}

/// The rows of events above `seq`, found by halving: numbers never go down from one row to the next.
pub fn slice_above(rows: &RecordBatch, seq: i64) -> RecordBatch {
    let (mut low, mut high) = (0, rows.num_rows());
    while low < high {
        let middle = low.midpoint(high);
        if seq_of(rows, middle) > seq {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    rows.slice(low, rows.num_rows() - low)
}

/// The number at the end of a row's `_event`.
fn seq_of(rows: &RecordBatch, row: usize) -> i64 {
    let event = rows.column_by_name("_event").and_then(|column| column.as_string_view_opt()).filter(|column| column.is_valid(row));
    let number = event.and_then(|column| column.value(row).rsplit('.').next()?.parse().ok());
    number.unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array, StringViewArray};
    use arrow::datatypes::Int64Type;
    use landfall_model::{Column, Type};

    use super::*;
    use crate::live::schema::table_schema;

    fn chunk(events: std::ops::RangeInclusive<i64>, budget: &Budget) -> Chunk {
        let numbers: Int64Array = events.clone().collect();
        let ids: StringViewArray = events.clone().map(|seq| Some(format!("orders.local.{seq}"))).collect();
        let rows = RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef), ("_event", Arc::new(ids) as ArrayRef)]).unwrap();
        Chunk::new(*events.start(), *events.end(), rows, budget)
    }

    fn numbers(chunk: &Chunk, above: i64) -> Vec<i64> {
        let schema = table_schema(&[Column::new("new", Type::Text), Column::new("n", Type::Bigint)]);
        let rows = chunk.rows_above(above, &schema).unwrap().unwrap();
        assert_eq!(rows.schema(), schema);
        assert_eq!(rows.column(0).null_count(), rows.num_rows());
        rows.column_by_name("n").unwrap().as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn only_what_is_above_the_watermark_is_shown() {
        let budget = Budget::new(1 << 20);
        for (seq, expected) in [(0, vec![5, 6, 7, 8]), (4, vec![5, 6, 7, 8]), (6, vec![7, 8]), (8, vec![])] {
            assert_eq!(numbers(&chunk(5..=8, &budget), seq), expected);
        }
    }

    #[test]
    fn many_small_chunks_become_few_large_ones() {
        let budget = Budget::new(1 << 30);
        let mut chunks = Vec::<Chunk>::new();
        for seq in 1..=1_000 {
            Chunk::push(&mut chunks, chunk(seq..=seq, &budget), &budget).unwrap();
        }
        let seqs: Vec<i64> = chunks.iter().flat_map(|chunk| numbers(chunk, 0)).collect();
        assert_eq!(seqs, (1..=1_000).collect::<Vec<_>>());
        assert!(chunks.len() < 12, "{} chunks", chunks.len());
        drop(chunks);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_is_beyond_memory_only_keeps_its_range() {
        let (none, some) = (Budget::new(0), Budget::new(1 << 20));
        let mut chunks = Vec::new();
        for new in [chunk(1..=4, &none), chunk(5..=6, &none), chunk(7..=9, &some)] {
            Chunk::push(&mut chunks, new, &some).unwrap();
        }
        let ranges: Vec<_> = chunks.iter().map(|chunk| (chunk.first, chunk.last, chunk.is_beyond())).collect();
        assert_eq!(ranges, [(1, 6, true), (7, 9, false)]);
    }
}
