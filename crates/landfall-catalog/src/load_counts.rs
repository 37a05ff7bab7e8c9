//! What a load that is done adds to the counters: read once it is committed,
//! outside the transaction that everything else waits for.

use landfall_model::{DatasetName, Result, Timestamp};

use crate::counters::{self, COUNTED, Count, Fate, count_of};
use crate::engine::{Catalog, Row, Tx};

/// Batches that arrived within this are taken to have arrived together: exact enough beside the seconds that events gather.
const TOGETHER_MICROS: i64 = 100_000;

#[derive(Default)]
struct Counted {
    counts: Vec<Count>,
    /// When landings arrived, and how many.
    arrivals: Vec<(Timestamp, i64)>,
}

impl Counted {
    /// The counts of a manifest, in `records, bytes, rejected_records, rejected_bytes` from the column `at` on.
    fn add(&mut self, dataset: &str, source: &str, row: &Row, at: usize) -> Result<()> {
        let (records, bytes, rejected_records, rejected_bytes) = (row.int(at)?, row.int(at + 1)?, row.int(at + 2)?, row.int(at + 3)?);
        let loaded = (Fate::Loaded, records - rejected_records, bytes - rejected_bytes);
        for (fate, records, bytes) in [loaded, (Fate::Rejected, rejected_records, rejected_bytes)] {
            self.counts.push(Count { fate, dataset: dataset.to_owned(), source: source.to_owned(), records, bytes });
        }
        Ok(())
    }

    /// Manifests of one landing: of a file, or of a batch that was tried again.
    fn add_landings(&mut self, tx: &mut Tx, dataset: &str, number: i64) -> Result<()> {
        let sql = "select l.source, l.received_at, m.records, m.bytes, m.rejected_records, m.rejected_bytes from manifests m \
                   join landings l on l.id = m.landing where m.dataset = $1 and m.load = $2";
        for row in tx.query(sql, &[dataset.into(), number.into()])? {
            self.add(dataset, row.text(0)?, &row, 2)?;
            self.arrivals.push((Timestamp(row.int(1)?), 1));
        }
        Ok(())
    }

    /// Manifests of ranges. One door takes events, so a range has one source.
    fn add_ranges(&mut self, tx: &mut Tx, dataset: &str, number: i64) -> Result<()> {
        let sql = "select region, first_seq, last_seq, records, bytes, rejected_records, rejected_bytes from manifests \
                   where dataset = $1 and load = $2 and landing is null";
        let batches = format!(
            "select min(source), min(received_at), count(*) from landings where dataset = $1 and region = $2 and kind = 'batch' \
             and first_seq between $3 and $4 and phase = 'received' group by received_at / {TOGETHER_MICROS}"
        );
        for range in tx.query(sql, &[dataset.into(), number.into()])? {
            let params = [dataset.into(), range.text(0)?.into(), range.int(1)?.into(), range.int(2)?.into()];
            let arrivals = tx.query(&batches, &params)?;
            // A range of nothing but dead letters counts nothing.
            if let Some(first) = arrivals.first() {
                self.add(dataset, first.text(0)?, &range, 3)?;
            }
            for row in &arrivals {
                self.arrivals.push((Timestamp(row.int(1)?), row.int(2)?));
            }
        }
        Ok(())
    }

    fn add_removals(&mut self, tx: &mut Tx, dataset: &str, number: i64) -> Result<()> {
        let sql = format!("select {COUNTED} from landings where dataset = $1 and removal = $2");
        for row in tx.query(&sql, &[dataset.into(), number.into()])? {
            self.counts.push(count_of(Fate::Removed, dataset, &row)?);
        }
        Ok(())
    }
}

impl Catalog {
    /// Counts the load that was marked as done at `done`. Counters are worth no error: where the catalog cannot be asked,
    /// that is logged.
    pub(crate) async fn count_load(&self, dataset: &DatasetName, number: i64, done: Timestamp) {
        let name = dataset.clone();
        let counted = self.read(move |tx| {
            let mut counted = Counted::default();
            counted.add_landings(tx, name.as_str(), number)?;
            counted.add_ranges(tx, name.as_str(), number)?;
            counted.add_removals(tx, name.as_str(), number)?;
            Ok(counted)
        });
        match counted.await {
            Ok(counted) => {
                for (received, landings) in &counted.arrivals {
                    counters::processed(dataset.as_str(), *received, done, *landings);
                }
                counters::add(counted.counts);
            }
            Err(error) => tracing::warn!(%error, %dataset, number, "a load that is done could not be counted in the metrics"),
        }
    }
}
