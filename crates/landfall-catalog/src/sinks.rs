//! Sinks: one committer at a time, by a lease with a fencing epoch.
//!
//! The lease only saves work. What keeps a committer that woke from the dead
//! from harm is the epoch: each of its statements here matches no row, and the
//! sink itself refuses an epoch below the one it has seen.

use landfall_model::{DatasetName, Error, ErrorKind, LoadId, Result, Timestamp, limits};

use crate::counters;
use crate::engine::{Catalog, Topic, Tx};

/// The name of the sink that every dataset has.
pub const DELTA: &str = "delta";

/// A sink that this node commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkLease {
    pub dataset: DatasetName,
    pub epoch: i64,
    /// True where the one before gave it back; else the fence must be committed alone first.
    pub clean: bool,
}

/// True if the lease still holds; locks its row until the transaction ends.
pub(crate) fn holds(tx: &mut Tx, lease: &SinkLease) -> Result<bool> {
    let sql = format!("select 1 from sinks where dataset = $1 and sink = $2 and epoch = $3{}", tx.for_update());
    Ok(tx.query_opt(&sql, &[lease.dataset.as_str().into(), DELTA.into(), lease.epoch.into()])?.is_some())
}

pub(crate) fn lost(lease: &SinkLease) -> Error {
    let message = format!("the lease on the table of `{}` (epoch {}) was taken over by another committer", lease.dataset, lease.epoch);
    Error::new(ErrorKind::Stale, message)
}

/// What is known of a table's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptLog {
    /// Entries before this version are deleted.
    pub begins: i64,
    /// The checkpoint that the log shall begin with, and since when; −1 at first.
    pub from: i64,
    pub from_at: Timestamp,
    /// The newest version that purged something; −1 at first.
    pub purge_version: i64,
    /// Everything received before this has left the table, but what was held.
    pub purged_to: Timestamp,
}

impl Catalog {
    pub async fn kept_log(&self, dataset: &DatasetName) -> Result<KeptLog> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = "select log_begins, log_from, log_from_at, purge_version, purged_to from sinks where dataset = $1 and sink = $2";
            let row = tx.query_opt(sql, &[dataset.as_str().into(), DELTA.into()])?;
            let row = row.ok_or_else(|| Error::new(ErrorKind::UnknownDataset, format!("there is no dataset `{dataset}`")))?;
            Ok(KeptLog {
                begins: row.int(0)?,
                from: row.int(1)?,
                from_at: Timestamp(row.int(2)?),
                purge_version: row.int(3)?,
                purged_to: Timestamp(row.int(4)?),
            })
        })
        .await
    }

    /// From now on new readers begin with the checkpoint of `version`; when the others are done, the log is cut off there.
    pub async fn cut_log_at(&self, dataset: &DatasetName, version: i64) -> Result<()> {
        let (dataset, now) = (dataset.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = "update sinks set log_from = $3, log_from_at = $4 where dataset = $1 and sink = $2 and log_from < $3";
            tx.execute(sql, &[dataset.as_str().into(), DELTA.into(), version.into(), now.into()]).map(drop)
        })
        .await
    }

    /// The log begins with `version`.
    pub async fn log_was_cut(&self, dataset: &DatasetName, version: i64) -> Result<()> {
        let dataset = dataset.clone();
        self.write(move |tx| {
            let sql = "update sinks set log_begins = $3 where dataset = $1 and sink = $2 and log_begins < $3";
            tx.execute(sql, &[dataset.as_str().into(), DELTA.into(), version.into()]).map(drop)
        })
        .await
    }

    /// Takes the sink's lease if it is free or has expired; `None` where somebody else holds it.
    pub async fn acquire_sink(&self, dataset: &DatasetName, owner: &str) -> Result<Option<SinkLease>> {
        let (dataset, owner, now) = (dataset.clone(), owner.to_owned(), self.clock().now());
        let taken = self.write(move |tx| {
            let sql = format!("select epoch, owner, lease_until, clean from sinks where dataset = $1 and sink = $2{}", tx.for_update());
            let Some(row) = tx.query_opt(&sql, &[dataset.as_str().into(), DELTA.into()])? else {
                return Err(Error::new(ErrorKind::UnknownDataset, format!("there is no dataset `{dataset}`")));
            };
            let (epoch, held, until, clean) = (row.int(0)?, row.opt_text(1)?.is_some(), row.int(2)?, row.int(3)? != 0);
            if held && until > now.micros() {
                return Ok(None);
            }
            let sql = "update sinks set epoch = epoch + 1, owner = $3, lease_until = $4, clean = 0 where dataset = $1 and sink = $2";
            tx.execute(sql, &[dataset.as_str().into(), DELTA.into(), owner.as_str().into(), now.plus(limits::LEASE).into()])?;
            Ok(Some((SinkLease { dataset: dataset.clone(), epoch: epoch + 1, clean }, held)))
        });
        let Some((lease, expired)) = taken.await? else { return Ok(None) };
        if expired {
            counters::lease_expired(1);
        }
        Ok(Some(lease))
    }

    /// Renews the lease; false if it was lost.
    pub async fn renew_sink(&self, lease: &SinkLease) -> Result<bool> {
        let (lease, now) = (lease.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = "update sinks set lease_until = $4 where dataset = $1 and sink = $2 and epoch = $3 and owner is not null";
            let params = [lease.dataset.as_str().into(), DELTA.into(), lease.epoch.into(), now.plus(limits::LEASE).into()];
            Ok(tx.execute(sql, &params)? == 1)
        })
        .await
    }

    /// Gives the lease back between two loads, so that the next committer need not fence anybody off.
    pub async fn release_sink(&self, lease: &SinkLease) -> Result<()> {
        let lease = lease.clone();
        self.write(move |tx| {
            let sql = "update sinks set owner = null, lease_until = 0, clean = 1 where dataset = $1 and sink = $2 and epoch = $3";
            tx.execute(sql, &[lease.dataset.as_str().into(), DELTA.into(), lease.epoch.into()]).map(drop)
        })
        .await?;
        self.wake(Topic::Staged);
        Ok(())
    }

    /// Stops the sink: its table and the catalog do not agree on what was loaded.
    pub async fn mark_diverged(&self, lease: &SinkLease, why: &Error) -> Result<()> {
        let (lease, why) = (lease.clone(), why.message.clone());
        self.write(move |tx| {
            let sql = "update sinks set diverged = $4 where dataset = $1 and sink = $2 and epoch = $3";
            tx.execute(sql, &[lease.dataset.as_str().into(), DELTA.into(), lease.epoch.into(), why.as_str().into()]).map(drop)
        })
        .await
    }

    /// Why the dataset's table is stopped, if it is.
    pub async fn diverged(&self, dataset: &DatasetName) -> Result<Option<String>> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let row =
                tx.query_opt("select diverged from sinks where dataset = $1 and sink = $2", &[dataset.as_str().into(), DELTA.into()])?;
            Ok(row.map(|row| row.opt_text(0).map(|text| text.map(str::to_owned))).transpose()?.flatten())
        })
        .await
    }

    /// The number and the id of the sink's last load that is done.
    pub async fn last_load(&self, dataset: &DatasetName) -> Result<(i64, Option<LoadId>)> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = "select last_load, last_load_id from sinks where dataset = $1 and sink = $2";
            match tx.query_opt(sql, &[dataset.as_str().into(), DELTA.into()])? {
                Some(row) => Ok((row.int(0)?, row.opt_int(1)?.map(LoadId))),
                None => Ok((0, None)),
            }
        })
        .await
    }
}
