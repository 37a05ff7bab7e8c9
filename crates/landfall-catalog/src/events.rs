//! Batches of events: landing them, and reading what no load has taken yet.
//!
//! A batch costs three statements in one round trip. The counter is bumped in
//! the transaction's last statements, datasets in sorted order, so that the order
//! of numbers is the order of commit on every node.

use bytes::Bytes;
use landfall_model::{BodyPlace, DatasetName, Error, ErrorKind, Landing, Region, Result, Timestamp, limits};

use crate::engine::{Catalog, Tx};
use crate::landings::{COLUMNS, body_of, landing_of, place_of};
use crate::sinks::DELTA;

/// A batch to be landed. `first_seq` of the landing is ignored: this transaction gives the number.
pub struct NewBatch {
    pub landing: Landing,
    /// NDJSON, one event a line, for `BodyPlace::Inline`.
    pub body: Option<Bytes>,
}

/// A receipt that is remembered for its `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub digest: String,
    pub region: Region,
    pub first_seq: i64,
    pub records: i64,
}

/// Lands one batch and returns the number of its first event, or `None` where more than `UNLOADED_BYTES_MAX` waits
/// to be loaded: then nothing was written.
pub fn land_batch(tx: &mut Tx, batch: &NewBatch) -> Result<Option<i64>> {
    let landing = &batch.landing;
    let mut statements = Vec::with_capacity(3);
    if let Some(body) = &batch.body {
        statements.push(("insert into bodies (landing, bytes) values ($1, $2)", vec![landing.id.as_str().into(), body.into()]));
    }
    let bump = "update sequences set next_seq = next_seq + $3, received_records = received_records + $3, \
                received_bytes = received_bytes + $4, event_bytes = event_bytes + $4 \
                where dataset = $1 and region = $2 and event_bytes + $4 - coalesce((select w.bytes from watermarks w \
                where w.dataset = $1 and w.sink = $5 and w.region = $2), 0) <= $6 returning next_seq - $3";
    let (dataset, region) = (landing.dataset.as_str(), landing.region.as_str());
    let params =
        vec![dataset.into(), region.into(), landing.records.into(), landing.size.into(), DELTA.into(), limits::UNLOADED_BYTES_MAX.into()];
    statements.push((bump, params));
    let insert = "insert into landings (id, dataset, region, kind, source, principal, digest, size, received_at, first_seq, records, object, \
                  object_offset) select $1, s.dataset, s.region, 'batch', $4, $5, $6, $7, $8, s.next_seq - $9, $9, $10, $11 \
                  from sequences s where s.dataset = $2 and s.region = $3";
    let (object, offset) = place_of(&landing.body);
    let params = vec![
        landing.id.as_str().into(),
        dataset.into(),
        region.into(),
        landing.source.as_str().into(),
        landing.principal.to_string().into(),
        landing.digest.clone().into(),
        landing.size.into(),
        landing.received_at.into(),
        landing.records.into(),
        object.into(),
        offset.into(),
    ];
    statements.push((insert, params));
    let bumped = statements.len() - 2;
    let answers = tx.pipeline(&statements)?;
    if let Some(row) = answers.get(bumped).and_then(|rows| rows.first()) {
        return row.int(0).map(Some);
    }
    tx.execute("delete from bodies where landing = $1", &[landing.id.as_str().into()])?;
    tx.execute("delete from landings where id = $1", &[landing.id.as_str().into()])?;
    Ok(None)
}

/// The receipt that was given for this key, if it has not expired.
pub fn remembered(tx: &mut Tx, principal: &str, dataset: &DatasetName, key: &str, now: Timestamp) -> Result<Option<Remembered>> {
    let sql =
        "select digest, region, first_seq, records from idempotency where principal = $1 and dataset = $2 and key = $3 and expires_at > $4";
    let row = tx.query_opt(sql, &[principal.into(), dataset.as_str().into(), key.into(), now.into()])?;
    row.map(|row| {
        let region = crate::landings::word(row.text(1)?)?;
        Ok(Remembered { digest: row.text(0)?.to_owned(), region, first_seq: row.int(2)?, records: row.int(3)? })
    })
    .transpose()
}

/// Remembers a receipt for 24 hours. On a shared catalog another node may have been first: then this is a conflict,
/// and the caller's transaction must not commit.
pub fn remember(tx: &mut Tx, principal: &str, dataset: &DatasetName, key: &str, receipt: &Remembered, now: Timestamp) -> Result<()> {
    let expires = now.plus(limits::IDEMPOTENCY_AGE_MAX);
    let sql = "insert into idempotency (principal, dataset, key, digest, region, first_seq, records, expires_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (principal, dataset, key) do update set digest = excluded.digest, \
               region = excluded.region, first_seq = excluded.first_seq, records = excluded.records, expires_at = excluded.expires_at \
               where idempotency.expires_at <= $9";
    let params = [
        principal.into(),
        dataset.as_str().into(),
        key.into(),
        receipt.digest.as_str().into(),
        receipt.region.as_str().into(),
        receipt.first_seq.into(),
        receipt.records.into(),
        expires.into(),
        now.into(),
    ];
    if tx.execute(sql, &params)? == 1 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        "another node has just answered a request with this Idempotency-Key; send it again for its receipt",
    ))
}

/// A batch above the watermark, with its body if that is inline.
pub struct WaitingBatch {
    pub landing: Landing,
    pub body: Option<Bytes>,
}

/// How many batches one look-up brings; it is asked again until a page is not full.
const PAGE_BATCHES: i64 = 256;

impl Catalog {
    /// The batches with events above `seq`, in order (the first may begin below it), one page of at most `bytes_max` bytes (and one batch at the
    /// least). One short read; an empty answer means that nothing is above `seq`.
    pub async fn events_above(&self, dataset: &DatasetName, region: &Region, seq: i64, bytes_max: i64) -> Result<Vec<WaitingBatch>> {
        let (dataset, region) = (dataset.clone(), region.clone());
        let sql = format!(
            "select {COLUMNS} from landings where dataset = $1 and region = $2 and kind = 'batch' and first_seq > $3 order by first_seq limit {PAGE_BATCHES}"
        );
        self.read(move |tx| {
            let mut page = Vec::new();
            let mut bytes = 0;
            // Events above `seq` may have been loaded and merged with those below it.
            let across = batch_of(tx, &dataset, &region, seq)?.filter(|batch| batch.merged.is_some() && batch.last_seq() > seq);
            page.extend(across.map(|landing| WaitingBatch { landing, body: None }));
            for row in tx.query(&sql, &[dataset.as_str().into(), region.as_str().into(), seq.into()])? {
                let landing = landing_of(&row)?;
                bytes += landing.size;
                if bytes > bytes_max && !page.is_empty() {
                    break;
                }
                let body = match landing.body {
                    BodyPlace::Inline => body_of(tx, &landing.id)?,
                    BodyPlace::Object { .. } => None,
                };
                page.push(WaitingBatch { landing, body });
            }
            Ok(page)
        })
        .await
    }

    /// The regions that a dataset has numbers in, each with its last event's number.
    pub async fn regions(&self, dataset: &DatasetName) -> Result<Vec<(Region, i64)>> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let rows =
                tx.query("select region, next_seq - 1 from sequences where dataset = $1 order by region", &[dataset.as_str().into()])?;
            rows.iter().map(|row| Ok((crate::landings::word(row.text(0)?)?, row.int(1)?))).collect()
        })
        .await
    }

    /// The batch that holds event `seq`.
    pub async fn batch_of(&self, dataset: &DatasetName, region: &Region, seq: i64) -> Result<Option<Landing>> {
        let (dataset, region) = (dataset.clone(), region.clone());
        self.read(move |tx| batch_of(tx, &dataset, &region, seq)).await
    }
}

pub(crate) fn batch_of(tx: &mut Tx, dataset: &DatasetName, region: &Region, seq: i64) -> Result<Option<Landing>> {
    let sql = format!(
        "select {COLUMNS} from landings where dataset = $1 and region = $2 and kind = 'batch' and first_seq <= $3 order by first_seq desc limit 1"
    );
    let row = tx.query_opt(&sql, &[dataset.as_str().into(), region.as_str().into(), seq.into()])?;
    let landing = row.as_ref().map(landing_of).transpose()?;
    Ok(landing.filter(|landing| seq <= landing.last_seq()))
}
