//! What one region's events above the watermark are, as far as they were decoded.

use landfall_model::Result;

use super::budget::Budget;
use super::chunk::Chunk;

/// The events above `low`, up to `high`.
#[derive(Debug, Default)]
pub struct RegionTail {
    low: i64,
    high: i64,
    /// In order; together they hold every event in between that is not a dead letter.
    chunks: Vec<Chunk>,
}

impl RegionTail {
    /// The number up to which events are decoded.
    pub fn high(&self) -> i64 {
        self.high
    }

    /// Forgets what a table with this watermark holds. False where the table is older than what was forgotten already.
    pub fn raise(&mut self, watermark: i64) -> bool {
        if watermark < self.low {
            return false;
        }
        self.low = watermark;
        self.high = self.high.max(watermark);
        self.chunks.retain(|chunk| chunk.last > watermark);
        true
    }

    /// Puts the next events behind the last.
    pub fn push(&mut self, next: Chunk, budget: &Budget) -> Result<()> {
        self.high = self.high.max(next.last);
        Chunk::push(&mut self.chunks, next, budget)
    }

    /// There is nothing up to `seq` that was not decoded.
    pub fn pass(&mut self, seq: i64) {
        self.high = self.high.max(seq);
    }

    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;
    use arrow::datatypes::Schema;

    use super::*;

    #[test]
    fn an_older_table_is_told_apart() {
        let budget = Budget::new(0);
        let mut region = RegionTail::default();
        assert!(region.raise(10));
        let empty = RecordBatch::new_empty(Schema::empty().into());
        region.push(Chunk::new(11, 20, empty, &budget), &budget).unwrap();
        region.pass(25);
        assert!(region.raise(15) && region.chunks().len() == 1 && region.high() == 25);
        assert!(!region.raise(14));
        assert!(region.raise(20) && region.chunks().is_empty());
        assert!(region.raise(40) && region.high() == 40);
    }
}
