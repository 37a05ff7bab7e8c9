//! Paths of objects that the system writes for itself: data files, rejects,
//! sealed bodies, and bodies on their way in. Each is registered before its
//! first byte is written, so that nothing a crash leaves is ever unknown.
//!
//! staged -> kept: what names the path is recorded, in the same transaction.
//! staged or kept -> gone: nothing names it any more; no path comes back from
//! there, so whoever would still record it learns that it is too late. The object
//! of one that is gone is deleted once nobody can be reading it, then the row.

use landfall_model::{DatasetName, Error, ErrorKind, ManifestId, Result, Timestamp};

use crate::engine::{Catalog, Tx};
use crate::sinks::{self, SinkLease};

/// A path that is kept, and what still names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPath {
    pub path: String,
    /// A manifest names it that no load has brought in yet.
    pub pending: bool,
    /// A landing or a manifest has its bytes or its rejects there.
    pub named: bool,
}

/// Keeps what was registered under `owner`; false where some of it is gone by now: then nothing may name it.
pub(crate) fn keep(tx: &mut Tx, owner: &str, count: usize) -> Result<bool> {
    let kept = tx.execute("update staged_paths set state = 'kept' where manifest = $1 and state = 'staged'", &[owner.into()])?;
    Ok(kept == count as u64)
}

/// The same for one path that several transactions name, one after the other.
pub(crate) fn keep_on(tx: &mut Tx, owner: &str) -> Result<bool> {
    Ok(tx.execute("update staged_paths set state = 'kept' where manifest = $1 and state in ('staged', 'kept')", &[owner.into()])? == 1)
}

/// Marks a path as gone, registered or not, so that its object is deleted from `until` on.
pub(crate) fn gone(tx: &mut Tx, path: &str, dataset: &str, until: Timestamp) -> Result<()> {
    let sql = "insert into staged_paths (path, dataset, manifest, state, created_at, gone_until) values ($1, $2, '', 'gone', $3, $3) \
               on conflict (path) do update set state = 'gone', gone_until = excluded.gone_until";
    tx.execute(sql, &[path.into(), dataset.into(), until.into()]).map(drop)
}

/// What a path was registered for came too late: the sweep took it for left behind.
pub(crate) fn too_late(owner: &str) -> Error {
    let message =
        format!("what was written for {owner} was swept before it was recorded, because it took too long; it must be written again");
    Error::new(ErrorKind::Unavailable, message)
}

impl Catalog {
    /// Registers paths before any of them is written. `owner` is what will name them: the id of a manifest or a landing.
    pub async fn register_paths(&self, dataset: &DatasetName, owner: &str, paths: Vec<String>) -> Result<()> {
        let (dataset, owner, now) = (dataset.clone(), owner.to_owned(), self.clock().now());
        self.write(move |tx| {
            let sql = "insert into staged_paths (path, dataset, manifest, state, created_at) values ($1, $2, $3, 'staged', $4)";
            for path in &paths {
                tx.execute(sql, &[path.as_str().into(), dataset.as_str().into(), owner.as_str().into(), now.into()])?;
            }
            Ok(())
        })
        .await
    }

    /// Keeps the `count` files that a rewrite has written, just before the commit that names them. `Stale` where the lease is
    /// lost; `Unavailable` where they were swept.
    pub async fn claim_paths(&self, lease: &SinkLease, owner: &ManifestId, count: usize) -> Result<()> {
        let (lease, owner) = (lease.clone(), owner.clone());
        self.write(move |tx| {
            if !sinks::holds(tx, &lease)? {
                return Err(sinks::lost(&lease));
            }
            if keep(tx, owner.as_str(), count)? { Ok(()) } else { Err(too_late(owner.as_str())) }
        })
        .await
    }

    /// The paths of a dataset that are kept, in order, after `after`.
    pub async fn kept_paths(&self, dataset: &DatasetName, after: &str, limit: usize) -> Result<Vec<KeptPath>> {
        let (dataset, after) = (dataset.clone(), after.to_owned());
        self.read(move |tx| {
            let sql = format!(
                "select p.path, case when exists (select 1 from manifests m where m.id = p.manifest and m.state in ('staged', 'numbered', 'waiting')) \
                 then 1 else 0 end, case when exists (select 1 from landings l where l.object = p.path) or exists (select 1 from manifests r \
                 where r.id = p.manifest and r.rejects = p.path) then 1 else 0 end from staged_paths p \
                 where p.dataset = $1 and p.state = 'kept' and p.path > $2 order by p.path limit {limit}"
            );
            let rows = tx.query(&sql, &[dataset.as_str().into(), after.as_str().into()])?;
            rows.iter().map(|row| Ok(KeptPath { path: row.text(0)?.to_owned(), pending: row.int(1)? != 0, named: row.int(2)? != 0 })).collect()
        })
        .await
    }

    /// Marks kept paths as gone, each from its moment on, if this is still the committer of their table: then nobody else
    /// can be about to name them.
    pub async fn drop_paths(&self, lease: &SinkLease, paths: Vec<(String, Timestamp)>) -> Result<()> {
        let lease = lease.clone();
        self.write(move |tx| {
            if !sinks::holds(tx, &lease)? {
                return Err(sinks::lost(&lease));
            }
            for (path, until) in &paths {
                let sql = "update staged_paths set state = 'gone', gone_until = $2 where path = $1 and state = 'kept'";
                tx.execute(sql, &[path.as_str().into(), (*until).into()])?;
            }
            Ok(())
        })
        .await
    }

    /// Marks as gone what was registered before `before` and never recorded, at most `limit`. Returns how many.
    pub async fn drop_unrecorded(&self, before: Timestamp, limit: usize) -> Result<u64> {
        let now = self.clock().now();
        self.write(move |tx| {
            let sql = format!(
                "update staged_paths set state = 'gone', gone_until = $2 where path in \
                 (select path from staged_paths where state = 'staged' and created_at < $1 limit {limit})"
            );
            tx.execute(&sql, &[before.into(), now.into()])
        })
        .await
    }

    /// Paths whose objects may be deleted now.
    pub async fn gone_paths(&self, limit: usize) -> Result<Vec<String>> {
        let now = self.clock().now();
        self.read(move |tx| {
            let sql = format!("select path from staged_paths where state = 'gone' and gone_until <= $1 order by gone_until limit {limit}");
            tx.query(&sql, &[now.into()])?.iter().map(|row| row.text(0).map(str::to_owned)).collect()
        })
        .await
    }

    /// Forgets paths whose objects are deleted.
    pub async fn forget_paths(&self, paths: Vec<String>) -> Result<()> {
        self.write(move |tx| {
            for path in &paths {
                tx.execute("delete from staged_paths where path = $1 and state = 'gone'", &[path.as_str().into()])?;
            }
            Ok(())
        })
        .await
    }
}
