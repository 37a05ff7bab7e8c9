//! What was received and is not in its table yet, per dataset: asked at every
//! scrape, so it looks only at what waits, however much has landed before.

use std::collections::BTreeMap;

use landfall_model::{DatasetName, Result, Timestamp};

use crate::engine::{Catalog, Tx};
use crate::landings::word;
use crate::sinks::DELTA;

/// The same records as in flight in the audit, without dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InFlight {
    pub records: i64,
    /// When the oldest of them was received.
    pub oldest: Option<Timestamp>,
    /// Events of them that are above the watermark.
    pub events: i64,
}

impl InFlight {
    fn see(&mut self, oldest: Option<i64>) {
        let oldest = oldest.map(Timestamp);
        self.oldest = self.oldest.into_iter().chain(oldest).min();
    }
}

type Waiting = BTreeMap<DatasetName, InFlight>;

/// Events above the watermark, whatever became of their batches.
fn events(tx: &mut Tx, waiting: &mut Waiting) -> Result<()> {
    let sql = "select s.dataset, s.next_seq - 1 - coalesce(w.seq, 0), (select l.received_at from landings l where l.dataset = s.dataset \
               and l.region = s.region and l.kind = 'batch' and l.first_seq > coalesce(w.seq, 0) and l.phase = 'received' \
               order by l.first_seq limit 1) from sequences s \
               left join watermarks w on w.dataset = s.dataset and w.sink = $1 and w.region = s.region";
    for row in tx.query(sql, &[DELTA.into()])? {
        let of_dataset = waiting.entry(word(row.text(0)?)?).or_default();
        of_dataset.events += row.int(1)?;
        of_dataset.see(row.opt_int(2)?);
    }
    Ok(())
}

/// Takes those out that are dead letters.
fn dead_events(tx: &mut Tx, waiting: &mut Waiting) -> Result<()> {
    let sql = "select l.dataset, cast(sum(l.records) as bigint) from landings l \
               left join watermarks w on w.dataset = l.dataset and w.sink = $1 and w.region = l.region \
               where l.phase = 'dead' and l.kind = 'batch' and l.first_seq > coalesce(w.seq, 0) group by l.dataset";
    for row in tx.query(sql, &[DELTA.into()])? {
        waiting.entry(word(row.text(0)?)?).or_default().events -= row.int(1)?;
    }
    Ok(())
}

/// Landings with a job, or with a manifest that no load has brought in: files, and batches behind the watermark.
fn landings(tx: &mut Tx, waiting: &mut Waiting) -> Result<()> {
    // Manifests of ranges name no landing, which finds none here.
    let sql = "select l.dataset, cast(sum(l.records) as bigint), min(l.received_at) from landings l \
               left join watermarks w on w.dataset = l.dataset and w.sink = $1 and w.region = l.region \
               where l.id in (select landing from jobs where state = 'ready' union all select landing from jobs where state = 'leased' \
               union all select landing from manifests where state = 'staged' \
               union all select m.landing from loads o join manifests m on m.dataset = o.dataset and m.load = o.number \
               where o.state = 'open' and o.replay is null) and (l.kind = 'file' or l.first_seq <= coalesce(w.seq, 0)) group by l.dataset";
    for row in tx.query(sql, &[DELTA.into()])? {
        let of_dataset = waiting.entry(word(row.text(0)?)?).or_default();
        of_dataset.records += row.int(1)?;
        of_dataset.see(row.opt_int(2)?);
    }
    Ok(())
}

impl Catalog {
    /// Every dataset with what of it is in flight, in one snapshot of the catalog.
    pub async fn in_flight(&self) -> Result<BTreeMap<DatasetName, InFlight>> {
        self.read(|tx| {
            let mut waiting = Waiting::new();
            events(tx, &mut waiting)?;
            dead_events(tx, &mut waiting)?;
            landings(tx, &mut waiting)?;
            for of_dataset in waiting.values_mut() {
                of_dataset.records += of_dataset.events;
            }
            Ok(waiting)
        })
        .await
    }

    /// How many dead letters of each dataset are open.
    pub async fn open_dead_letters(&self) -> Result<BTreeMap<DatasetName, i64>> {
        self.read(|tx| {
            let rows = tx.query("select dataset, count(*) from dead_letters where state = 'open' group by dataset", &[])?;
            rows.iter().map(|row| Ok((word(row.text(0)?)?, row.int(1)?))).collect()
        })
        .await
    }
}
