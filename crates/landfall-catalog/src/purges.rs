//! Purging: what an expiry has taken out of the table is forgotten here too,
//! landing by landing. One transaction writes down that it was purged, marks the
//! objects that held it, and deletes every row that said more than that.

use landfall_model::{BodyPlace, DatasetName, Kind, Landing, LandingId, Result, Timestamp};

use crate::engine::{Catalog, Row, Tx, Value};
use crate::expiry::{self, Expiry};
use crate::follows::{self, LEFT_SIDE_TABLES};
use crate::landings::{COLUMNS, landing_of, word};
use crate::lists::Page;
use crate::service;
use crate::sinks::DELTA;
use crate::{parts, paths};

/// What is left of a landing that was purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    pub landing: LandingId,
    /// The last of the landings that were merged into it, and how many they are; the same and 1 if none were.
    pub last: LandingId,
    pub merged: i64,
    pub dataset: DatasetName,
    pub kind: Kind,
    pub digest: String,
    pub records: i64,
    pub bytes: i64,
    pub received_at: Timestamp,
    /// When the catalog forgot it; its rows had left the table before.
    pub purged_at: Timestamp,
    /// Since when no byte of it is left; `None` while files that held it may still be read.
    pub bytes_at: Option<Timestamp>,
}

/// True of an object that belongs to one landing alone; others hold bodies of several.
fn is_own(object: &str) -> bool {
    object.strip_prefix("archive/").unwrap_or(object).starts_with("landings/")
}

struct Purging<'a> {
    dataset: &'a DatasetName,
    expiry: Expiry,
    version: i64,
    now: Timestamp,
    /// Landings that may still be forgotten in this transaction.
    left: usize,
    purged: usize,
}

impl Purging<'_> {
    fn key(&self) -> &str {
        self.dataset.as_str()
    }

    /// Landings with a life of their own: files, and batches that were dead letters or were tried again.
    fn landings(&mut self, tx: &mut Tx) -> Result<()> {
        let held = self.expiry.held.landings.clone();
        for of_kind in ["kind = 'file'", "kind = 'batch' and phase <> 'received' and state = 'expired'"] {
            let limit = self.left + held.len();
            let sql = format!(
                "select {COLUMNS} from landings where {of_kind} and dataset = $1 and received_at < $2 order by received_at limit {limit}"
            );
            let found = tx.query(&sql, &[self.key().into(), self.expiry.cutoff.into()])?;
            for landing in found.iter().map(landing_of).collect::<Result<Vec<_>>>()? {
                if self.left > 0 && !held.contains(&landing.id) {
                    self.manifests_of(tx, &landing.id)?;
                    self.forget(tx, &landing)?;
                }
            }
        }
        Ok(())
    }

    fn manifests_of(&self, tx: &mut Tx, landing: &LandingId) -> Result<()> {
        for row in tx.query("select rejects from manifests where landing = $1 and rejects is not null", &[landing.as_str().into()])? {
            paths::gone(tx, row.text(0)?, self.key(), self.now)?;
        }
        tx.execute("delete from manifests where landing = $1", &[landing.as_str().into()]).map(drop)
    }

    /// Ranges of events that have left, and the batches in them.
    fn ranges(&mut self, tx: &mut Tx) -> Result<()> {
        let sql = format!(
            "select id, region, first_seq, last_seq, rejects from manifests where dataset = $1 and state = 'removed' order by id limit {}",
            self.left
        );
        for row in tx.query(&sql, &[self.key().into()])? {
            if self.left == 0 {
                break;
            }
            let (id, region, first, last) = (row.text(0)?, row.text(1)?, row.int(2)?, row.int(3)?);
            let sql = format!(
                "select {COLUMNS} from landings where dataset = $1 and region = $2 and kind = 'batch' \
                 and first_seq between $3 and $4 and phase = 'received' order by first_seq limit {}",
                self.left
            );
            let batches = tx.query(&sql, &[self.key().into(), region.into(), first.into(), last.into()])?;
            let batches = batches.iter().map(landing_of).collect::<Result<Vec<_>>>()?;
            for batch in &batches {
                self.forget(tx, batch)?;
                // The range counts as removed what is not counted as purged yet.
                let sql = "update manifests set records = records - $2, bytes = bytes - $3 where id = $1";
                tx.execute(sql, &[id.into(), batch.records.into(), batch.size.into()])?;
            }
            if self.left > 0 {
                if let Some(rejects) = row.opt_text(4)? {
                    paths::gone(tx, rejects, self.key(), self.now)?;
                }
                tx.execute("delete from manifests where id = $1", &[id.into()])?;
                self.purged += 1;
            }
        }
        Ok(())
    }

    /// Writes down that the landing was purged, and deletes what else is known of it.
    fn forget(&mut self, tx: &mut Tx, landing: &Landing) -> Result<()> {
        self.write_down(tx, landing)?;
        let id: Value = landing.id.as_str().into();
        for table in ["bodies", "attributes", "dead_letters", "jobs"] {
            tx.execute(&format!("delete from {table} where landing = $1"), std::slice::from_ref(&id))?;
        }
        for row in tx.query(
            "select object from upload_parts where upload in (select id from uploads where landing = $1)",
            std::slice::from_ref(&id),
        )? {
            paths::gone(tx, row.text(0)?, self.key(), self.now)?;
        }
        for row in tx.query("select id from uploads where landing = $1", std::slice::from_ref(&id))? {
            parts::drop_parts(tx, row.text(0)?, self.now)?;
        }
        tx.execute("delete from upload_parts where upload in (select id from uploads where landing = $1)", std::slice::from_ref(&id))?;
        tx.execute("delete from uploads where landing = $1", std::slice::from_ref(&id))?;
        tx.execute("delete from landings where id = $1", std::slice::from_ref(&id))?;
        service::forget(tx, landing)?;
        if let Some(key) = &landing.key {
            let sql = "delete from files where dataset = $1 and key = $2 and landing is null \
                       and not exists (select 1 from landings l where l.dataset = $1 and l.key = $2 and l.kind = 'file')";
            tx.execute(sql, &[self.key().into(), key.as_str().into()])?;
        }
        if let BodyPlace::Object { key, .. } = &landing.body {
            self.drop_object(tx, key)?;
        }
        self.left -= 1;
        self.purged += 1;
        Ok(())
    }

    /// An object goes with the last landing that has bytes in it. Segments are swept by whoever can tell that nobody appends.
    fn drop_object(&self, tx: &mut Tx, object: &str) -> Result<()> {
        let shared = !is_own(object);
        let used = shared && tx.query_opt("select 1 from landings where object = $1 limit 1", &[object.into()])?.is_some();
        if used || object.starts_with("segments/") { Ok(()) } else { paths::gone(tx, object, self.key(), self.now) }
    }

    fn write_down(&self, tx: &mut Tx, landing: &Landing) -> Result<()> {
        let merged = landing.merged.as_ref();
        let sql = "insert into purges (landing, last_id, dataset, kind, merged, digest, records, bytes, received_at, version, purged_at) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (landing) do nothing";
        let params = [
            landing.id.as_str().into(),
            merged.map(|merged| merged.last.as_str()).into(),
            self.key().into(),
            landing.kind.as_str().into(),
            merged.map_or(1, |merged| merged.landings).into(),
            landing.digest.as_str().into(),
            landing.records.into(),
            landing.size.into(),
            landing.received_at.into(),
            self.version.into(),
            self.now.into(),
        ];
        tx.execute(sql, &params)?;
        let sql = "update sequences set purged_records = purged_records + $3, purged_bytes = purged_bytes + $4 where dataset = $1 and region = $2";
        tx.execute(sql, &[self.key().into(), landing.region.as_str().into(), landing.records.into(), landing.size.into()]).map(drop)
    }
}

fn purge(tx: &mut Tx, dataset: &DatasetName, limit: usize, now: Timestamp) -> Result<usize> {
    let Some(expiry) = expiry::done_expiry(tx, dataset.as_str())? else { return Ok(0) };
    // The lock keeps two nodes from forgetting the same landing, and counting it twice.
    let sql = format!("select purge_version from sinks where dataset = $1 and sink = $2{}", tx.for_update());
    let version = tx.query_opt(&sql, &[dataset.as_str().into(), DELTA.into()])?.map(|row| row.int(0)).transpose()?.unwrap_or(-1);
    let mut purging = Purging { dataset, expiry, version, now, left: limit, purged: 0 };
    purging.landings(tx)?;
    purging.ranges(tx)?;
    Ok(purging.purged)
}

fn purge_of(row: &Row) -> Result<Purge> {
    Ok(Purge {
        landing: word(row.text(0)?)?,
        last: word(row.opt_text(1)?.unwrap_or(row.text(0)?))?,
        dataset: word(row.text(2)?)?,
        kind: word(row.text(3)?)?,
        merged: row.int(4)?,
        digest: row.text(5)?.to_owned(),
        records: row.int(6)?,
        bytes: row.int(7)?,
        received_at: Timestamp(row.int(8)?),
        purged_at: Timestamp(row.int(9)?),
        bytes_at: row.opt_int(10)?.map(Timestamp),
    })
}

const SELECT: &str = "select landing, last_id, dataset, kind, merged, digest, records, bytes, received_at, purged_at, bytes_at from purges";

/// Holds of a purge of the dataset `$1` that is not finished, once nothing of it is left at `$3` that was not marked before `$2`;
/// `$4` is the sink.
fn left() -> String {
    format!(
        "dataset = $1 and bytes_at is null and swept_at < $2 and version <= (select log_begins from sinks where dataset = $1 and sink = $4) \
         and not exists (select 1 from staged_paths p where p.dataset = $1 and p.state = 'gone' and p.gone_until <= $3) and {LEFT_SIDE_TABLES}"
    )
}

impl Catalog {
    /// Forgets what the newest expiry of the dataset took out of its table, at most `limit` landings; returns how much it
    /// found to do.
    pub async fn purge(&self, dataset: &DatasetName, limit: usize) -> Result<usize> {
        let (dataset, now) = (dataset.clone(), self.clock().now());
        self.write(move |tx| purge(tx, &dataset, limit, now)).await
    }

    /// Every path that the dataset's table does not name was found and marked, by a look that began at `began` and is over now.
    pub async fn purges_swept(&self, dataset: &DatasetName, began: Timestamp) -> Result<()> {
        let (dataset, now) = (dataset.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = "update purges set swept_at = $3 where dataset = $1 and bytes_at is null and swept_at is null and purged_at <= $2";
            tx.execute(sql, &[dataset.as_str().into(), began.into(), now.into()]).map(drop)
        })
        .await
    }

    /// True where purged landings wait for that.
    pub async fn purges_unswept(&self, dataset: &DatasetName) -> Result<bool> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = "select 1 from purges where dataset = $1 and bytes_at is null and swept_at is null limit 1";
            Ok(tx.query_opt(sql, &[dataset.as_str().into()])?.is_some())
        })
        .await
    }

    /// True where there is a purge of which nothing is left but what the catalog's file may remember: swept before `before`,
    /// its objects deleted, and the table's log cut off above it; and the same of each side table.
    pub async fn purges_left(&self, dataset: &DatasetName, before: Timestamp) -> Result<bool> {
        let (dataset, now) = (dataset.clone(), self.clock().now());
        self.read(move |tx| {
            let sql = format!("select 1 from purges where {} limit 1", left());
            let left = tx.query_opt(&sql, &[dataset.as_str().into(), before.into(), now.into(), DELTA.into()])?;
            Ok(left.is_some())
        })
        .await
    }

    /// Finishes the report of such purges. Whatever said more of them was deleted before `before`; the caller has scrubbed the
    /// catalog since.
    pub async fn finish_purges(&self, dataset: &DatasetName, before: Timestamp) -> Result<()> {
        let (dataset, now) = (dataset.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = format!("update purges set bytes_at = $3 where {}", left());
            tx.execute(&sql, &[dataset.as_str().into(), before.into(), now.into(), DELTA.into()])?;
            follows::forget_finished(tx, &dataset, before)
        })
        .await
    }

    /// The datasets with purges that are not finished, each with the moment when the oldest of their landings was received.
    pub async fn unfinished_purges(&self) -> Result<Vec<(DatasetName, Timestamp)>> {
        self.read(|tx| {
            let rows = tx.query("select dataset, min(received_at) from purges where bytes_at is null group by dataset", &[])?;
            rows.iter().map(|row| Ok((word(row.text(0)?)?, Timestamp(row.int(1)?)))).collect()
        })
        .await
    }

    /// What was purged, newest landing first.
    pub async fn list_purges(&self, page: &Page) -> Result<Vec<Purge>> {
        self.page(SELECT, "landing", "1 = 1", page, purge_of).await
    }

    /// The purge of a landing, under the id that stood for it in the end.
    pub async fn purge_of(&self, landing: &LandingId) -> Result<Option<Purge>> {
        let landing = landing.clone();
        self.read(move |tx| {
            let row = tx.query_opt(&format!("{SELECT} where landing = $1"), &[landing.as_str().into()])?;
            row.as_ref().map(purge_of).transpose()
        })
        .await
    }
}
