//! The archive: which objects of raw bytes are old enough to lie in it, and
//! that they do. An object is copied first and named second, so that reads find
//! it in one place or the other at any moment.

use landfall_model::{DatasetName, Result, Timestamp};

use crate::engine::{Catalog, Tx};
use crate::paths;
use crate::sinks::DELTA;

/// What of a dataset may move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archivable {
    /// Keys of objects, some of them if they are many.
    pub objects: Vec<String>,
    /// True where bodies of that time are not sealed yet, so that another look will find more.
    pub waits: bool,
}

/// Files by their moment; batches are few once they are merged.
const KINDS: [&str; 2] = ["kind = 'file'", "kind = 'batch'"];

fn archivable(tx: &mut Tx, dataset: &str, before: Timestamp, limit: usize) -> Result<Archivable> {
    let row = tx.query_opt("select archived_to from sinks where dataset = $1 and sink = $2", &[dataset.into(), DELTA.into()])?;
    let from = row.map(|row| row.int(0)).transpose()?.unwrap_or(0);
    let params = [dataset.into(), from.into(), before.into()];
    let mut found = Archivable::default();
    for kind in KINDS {
        let old = format!("{kind} and dataset = $1 and received_at >= $2 and received_at < $3");
        let objects = format!(
            "select distinct object from landings where {old} and object is not null and not (object like 'archive/%') \
             and not (object like 'segments/%') limit {limit}"
        );
        for row in tx.query(&objects, &params)? {
            found.objects.push(row.text(0)?.to_owned());
        }
        let waits = format!("select 1 from landings where {old} and (object is null or object like 'segments/%') limit 1");
        found.waits |= tx.query_opt(&waits, &params)?.is_some();
    }
    Ok(found)
}

impl Catalog {
    /// Objects with bodies of landings that were received before `before`, and are not in the archive.
    pub async fn archivable(&self, dataset: &DatasetName, before: Timestamp, limit: usize) -> Result<Archivable> {
        let dataset = dataset.clone();
        self.read(move |tx| archivable(tx, dataset.as_str(), before, limit)).await
    }

    /// Everything received before `before` is in the archive, or gone.
    pub async fn archived_to(&self, dataset: &DatasetName, before: Timestamp) -> Result<()> {
        let dataset = dataset.clone();
        self.write(move |tx| {
            let sql = "update sinks set archived_to = $3 where dataset = $1 and sink = $2 and archived_to < $3";
            tx.execute(sql, &[dataset.as_str().into(), DELTA.into(), before.into()]).map(drop)
        })
        .await
    }

    /// The bodies that were in `from` are in `to`, which was registered under `owner`. The old object is deleted once nobody
    /// reads it; the new one, if nobody wants it any more.
    pub async fn archive_object(&self, dataset: &DatasetName, owner: &str, from: &str, to: &str, unread_from: Timestamp) -> Result<()> {
        let (dataset, owner, from, to) = (dataset.clone(), owner.to_owned(), from.to_owned(), to.to_owned());
        self.write(move |tx| {
            if !paths::keep(tx, &owner, 1)? {
                return Err(paths::too_late(&owner));
            }
            let moved = tx.execute("update landings set object = $2 where object = $1", &[from.as_str().into(), to.as_str().into()])?;
            paths::gone(tx, if moved == 0 { &to } else { &from }, dataset.as_str(), unread_from)
        })
        .await
    }
}
