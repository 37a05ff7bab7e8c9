//! The audit: promise 4, per dataset, in input records and bytes.
//!
//! The left side is a ledger of its own, moved only where something lands or is
//! first decoded; the right side is counted from what the landings, manifests and
//! watermarks say became of them. That the two are equal is therefore a finding.

use landfall_model::{DatasetName, LandingId, Result};

use crate::engine::{Catalog, Row, Tx};
use crate::expiry;
use crate::landings::word;
use crate::sinks::DELTA;

/// Records and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    pub records: i64,
    pub bytes: i64,
}

impl Amount {
    fn add(&mut self, records: i64, bytes: i64) {
        self.records += records;
        self.bytes += bytes;
    }
}

/// One line of `landfall.audit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    pub dataset: DatasetName,
    pub sink: &'static str,
    pub received: Amount,
    pub loaded: Amount,
    pub rejected: Amount,
    pub dead_lettered: Amount,
    pub discarded: Amount,
    pub removed: Amount,
    pub in_flight: Amount,
    /// Rows that the sink must hold for what is loaded.
    pub rows: i64,
}

impl Audit {
    fn new(dataset: DatasetName) -> Audit {
        let none = Amount::default();
        Audit {
            dataset,
            sink: DELTA,
            received: none,
            loaded: none,
            rejected: none,
            dead_lettered: none,
            discarded: none,
            removed: none,
            in_flight: none,
            rows: 0,
        }
    }

    /// received - (loaded + rejected + dead-lettered + discarded + removed + in flight): zero where all is well.
    pub fn difference(&self) -> Amount {
        let mut rest = self.received;
        for part in [self.loaded, self.rejected, self.dead_lettered, self.discarded, self.removed, self.in_flight] {
            rest.add(-part.records, -part.bytes);
        }
        rest
    }

    pub fn balances(&self) -> bool {
        self.difference() == Amount::default()
    }
}

fn sum(expression: &str) -> String {
    format!("cast(coalesce(sum({expression}), 0) as bigint)")
}

fn count_file_row(audit: &mut Audit, row: &Row) -> Result<()> {
    let (phase, state) = (row.text(0)?, row.text(1)?);
    let (records, bytes) = (row.int(2)?, row.int(3)?);
    let (rejected, rejected_bytes, rows) = (row.int(4)?, row.int(5)?, row.int(6)?);
    // The table has taken its expiry already; its row says so when it is purged.
    let gone = row.int(7)? != 0;
    match (phase, state) {
        ("loaded", _) if gone => audit.removed.add(records, bytes),
        ("loaded", _) => {
            audit.loaded.add(records - rejected, bytes - rejected_bytes);
            audit.rejected.add(rejected, rejected_bytes);
            audit.rows += rows;
        }
        ("dead", "discarded") => audit.discarded.add(records, bytes),
        ("dead", _) => audit.dead_lettered.add(records, bytes),
        ("removed", _) => audit.removed.add(records, bytes),
        _ => audit.in_flight.add(records, bytes),
    }
    Ok(())
}

fn count_files(tx: &mut Tx, audit: &mut Audit) -> Result<()> {
    let done = expiry::done_expiry(tx, audit.dataset.as_str())?;
    let (purged_to, held) = done.map_or((0, Vec::new()), |done| (done.cutoff.micros(), done.held.landings));
    let mut params = vec![audit.dataset.as_str().into(), purged_to.into()];
    let not_held = expiry::except("l.id", held.iter().map(LandingId::as_str), &mut params);
    // 1 where the expiry of a file is in the table.
    let gone = format!("case when l.state = 'expired' and l.received_at < $2{not_held} then 1 else 0 end");
    let sql = format!(
        "select l.phase, l.state, {}, {}, {}, {}, {}, {gone} from landings l left join manifests m on m.landing = l.id and m.dataset = l.dataset and m.state = 'loaded' \
         where l.dataset = $1 and l.kind = 'file' group by l.phase, l.state, {gone}",
        sum("l.records"),
        sum("l.size"),
        sum("m.rejected_records"),
        sum("m.rejected_bytes"),
        sum("m.rows")
    );
    for row in tx.query(&sql, &params)? {
        count_file_row(audit, &row)?;
    }
    Ok(())
}

fn count_events(tx: &mut Tx, audit: &mut Audit) -> Result<()> {
    let dataset = audit.dataset.as_str().to_owned();
    let sql = format!(
        "select {}, {}, {}, {}, {} from manifests where dataset = $1 and region is not null and state = 'loaded'",
        sum("records"),
        sum("bytes"),
        sum("rejected_records"),
        sum("rejected_bytes"),
        sum("rows")
    );
    if let Some(row) = tx.query_opt(&sql, &[dataset.as_str().into()])? {
        let (rejected, rejected_bytes) = (row.int(2)?, row.int(3)?);
        audit.loaded.add(row.int(0)? - rejected, row.int(1)? - rejected_bytes);
        audit.rejected.add(rejected, rejected_bytes);
        audit.rows += row.int(4)?;
    }
    let sql = format!("select {}, {} from manifests where dataset = $1 and state = 'removed'", sum("records"), sum("bytes"));
    if let Some(row) = tx.query_opt(&sql, &[dataset.as_str().into()])? {
        audit.removed.add(row.int(0)?, row.int(1)?);
    }
    let (records, bytes) = (sum("l.records"), sum("l.size"));
    let above = format!(
        "select {records}, {bytes} from landings l where l.dataset = $1 and l.kind = 'batch' and l.phase = 'received' and l.region = $2 \
         and l.first_seq > coalesce((select seq from watermarks where dataset = $1 and sink = $3 and region = $2), 0)"
    );
    for region in tx.query("select region from sequences where dataset = $1", &[dataset.as_str().into()])? {
        if let Some(row) = tx.query_opt(&above, &[dataset.as_str().into(), region.text(0)?.into(), DELTA.into()])? {
            audit.in_flight.add(row.int(0)?, row.int(1)?);
        }
    }
    let listed = format!(
        "select l.phase, l.state, {records}, {bytes} from landings l where l.dataset = $1 and l.kind = 'batch' \
         and l.phase in ('dead', 'staged', 'removed') group by l.phase, l.state"
    );
    for row in tx.query(&listed, &[dataset.as_str().into()])? {
        let (records, bytes) = (row.int(2)?, row.int(3)?);
        match (row.text(0)?, row.text(1)?) {
            ("dead", "discarded") => audit.discarded.add(records, bytes),
            ("dead", _) => audit.dead_lettered.add(records, bytes),
            ("removed", _) => audit.removed.add(records, bytes),
            _ => audit.in_flight.add(records, bytes),
        }
    }
    Ok(())
}

fn audit_of(tx: &mut Tx, dataset: DatasetName) -> Result<Audit> {
    let mut audit = Audit::new(dataset);
    let sums = ["received_records", "received_bytes", "purged_records", "purged_bytes"].map(sum).join(", ");
    if let Some(row) = tx.query_opt(&format!("select {sums} from sequences where dataset = $1"), &[audit.dataset.as_str().into()])? {
        audit.received.add(row.int(0)?, row.int(1)?);
        audit.removed.add(row.int(2)?, row.int(3)?);
    }
    count_files(tx, &mut audit)?;
    count_events(tx, &mut audit)?;
    Ok(audit)
}

impl Catalog {
    /// The audit of each dataset, by name, all of one dataset in one snapshot of the catalog.
    pub async fn audit(&self, dataset: Option<DatasetName>) -> Result<Vec<Audit>> {
        // A side table received nothing: what it holds is accounted for where it landed.
        let all = self.read(|tx| {
            let rows = tx.query("select name from datasets where beside is null order by name", &[])?;
            rows.iter().map(|row| word(row.text(0)?)).collect::<Result<Vec<DatasetName>>>()
        });
        let names: Vec<_> = all.await?.into_iter().filter(|name| dataset.as_ref().is_none_or(|wanted| wanted == name)).collect();
        let mut audits = Vec::with_capacity(names.len());
        for name in names {
            audits.push(self.read(move |tx| audit_of(tx, name.clone())).await?);
        }
        Ok(audits)
    }
}
