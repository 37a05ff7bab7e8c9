//! The oldest landing of a dataset that retention may still take: how late a
//! purge is follows from it. It is found by index, however much has landed.

use landfall_model::{DatasetName, Result, Timestamp};

use crate::engine::{Catalog, Tx};

/// The oldest file that is not held.
fn oldest_file(tx: &mut Tx, dataset: &str) -> Result<Option<Timestamp>> {
    let sql = "select received_at from landings where dataset = $1 and kind = 'file' \
               and not exists (select 1 from holds h where h.subject = landings.id) order by received_at limit 1";
    tx.query_opt(sql, &[dataset.into()])?.map(|row| row.int(0).map(Timestamp)).transpose()
}

/// The oldest batch of a region that is not held. A hold on a batch holds all that was staged with it, so that is passed
/// over with it: there are as many steps as there are holds, and one.
fn oldest_batch(tx: &mut Tx, dataset: &str, region: &str) -> Result<Option<Timestamp>> {
    let mut after = 0;
    loop {
        let sql = "select first_seq, first_seq + records - 1, received_at, (select count(*) from holds h where h.subject = landings.id) \
                   from landings where dataset = $1 and region = $2 and kind = 'batch' and first_seq > $3 order by first_seq limit 1";
        let Some(batch) = tx.query_opt(sql, &[dataset.into(), region.into(), after.into()])? else { return Ok(None) };
        let (first, last) = (batch.int(0)?, batch.int(1)?);
        let held = if batch.int(3)? > 0 { Some(last) } else { None };
        match held_range(tx, dataset, region, first)?.max(held) {
            Some(held) => after = held,
            None => return batch.int(2).map(|at| Some(Timestamp(at))),
        }
    }
}

/// The last event of the range that event `seq` was staged with, if a hold is on one of its batches.
fn held_range(tx: &mut Tx, dataset: &str, region: &str, seq: i64) -> Result<Option<i64>> {
    let sql = "select first_seq, last_seq from manifests where dataset = $1 and region = $2 and last_seq >= $3 and landing is null \
               order by last_seq limit 1";
    let Some(range) = tx.query_opt(sql, &[dataset.into(), region.into(), seq.into()])? else { return Ok(None) };
    let (first, last) = (range.int(0)?, range.int(1)?);
    let sql = "select 1 from landings where id in (select subject from holds where dataset = $1) and region = $2 and kind = 'batch' \
               and first_seq between $3 and $4 limit 1";
    let held = tx.query_opt(sql, &[dataset.into(), region.into(), first.into(), last.into()])?.is_some();
    Ok(Some(last).filter(|_| held && first <= seq))
}

impl Catalog {
    /// When the oldest landing of `dataset` was received that is still there and not held itself; a hold on the whole
    /// dataset is not looked at.
    pub async fn oldest_landing(&self, dataset: &DatasetName) -> Result<Option<Timestamp>> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let mut oldest = oldest_file(tx, dataset.as_str())?;
            for region in tx.query("select region from sequences where dataset = $1", &[dataset.as_str().into()])? {
                let batch = oldest_batch(tx, dataset.as_str(), region.text(0)?)?;
                oldest = oldest.into_iter().chain(batch).min();
            }
            Ok(oldest)
        })
        .await
    }
}
