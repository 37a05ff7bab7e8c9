//! Manifests: recorded once, whole, by whoever still holds the lease of the work.

use landfall_model::{Error, LandingId, LandingState, Manifest, Phase, Result, Subject, Timestamp};

use crate::counters::{self, Count, Fate};
use crate::datasets::json;
use crate::engine::{Catalog, Topic, Tx};
use crate::jobs::{self, Buried, Lease};
use crate::landings::find;
use crate::paths;
use crate::sinks::{self, SinkLease};

/// What became of a manifest that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Yes,
    /// The landing was replaced or deleted meanwhile; its work is over and the files are orphans.
    Superseded,
    /// The lease was lost: somebody else works on it, and the files are orphans.
    LeaseLost,
}

/// `landing` is the file, or the one batch that is tried again; a range of batches names none.
pub(crate) fn insert(tx: &mut Tx, manifest: &Manifest, landing: Option<&LandingId>, now: Timestamp) -> Result<()> {
    let (region, first, last) = match &manifest.subject {
        Subject::File { .. } => (None, None, None),
        Subject::Range { region, first, last, .. } => (Some(region.as_str().to_owned()), Some(*first), Some(*last)),
    };
    let counts = &manifest.counts;
    if !paths::keep(tx, manifest.id.as_str(), manifest.files.len() + usize::from(manifest.rejects.is_some()))? {
        return Err(paths::too_late(manifest.id.as_str()));
    }
    let sql = "insert into manifests (id, dataset, landing, region, first_seq, last_seq, body, records, bytes, rejected_records, \
               rejected_bytes, rows, rejects, state, created_at, received_to) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'staged', $14, $15)";
    let params = [
        manifest.id.as_str().into(),
        manifest.dataset.as_str().into(),
        landing.map(|landing| landing.as_str().to_owned()).into(),
        region.into(),
        first.into(),
        last.into(),
        json(manifest)?.into(),
        counts.records.into(),
        counts.bytes.into(),
        counts.rejected_records.into(),
        counts.rejected_bytes.into(),
        counts.rows.into(),
        manifest.rejects.clone().into(),
        now.into(),
        received_to(tx, manifest, landing)?.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// The moment after the last of what was staged was received.
fn received_to(tx: &mut Tx, manifest: &Manifest, landing: Option<&LandingId>) -> Result<i64> {
    let row = match (landing, &manifest.subject) {
        (Some(landing), _) | (None, Subject::File { landing, .. }) => {
            tx.query_opt("select received_at from landings where id = $1", &[landing.as_str().into()])?
        }
        (None, Subject::Range { region, first, last, .. }) => {
            let sql = "select max(received_at) from landings where dataset = $1 and region = $2 and kind = 'batch' \
                       and first_seq between $3 and $4";
            let params = [manifest.dataset.as_str().into(), region.as_str().into(), (*first).into(), (*last).into()];
            tx.query_opt(sql, &params)?
        }
    };
    Ok(1 + row.map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or(0))
}

/// What became of the manifest, and the records that are known of only now that the landing was decoded.
fn record_landing(tx: &mut Tx, lease: &Lease, manifest: &Manifest, now: Timestamp) -> Result<(Recorded, Option<Count>)> {
    if !jobs::holds(tx, lease)? {
        return Ok((Recorded::LeaseLost, None));
    }
    let landing = find(tx, &lease.landing)?.ok_or_else(|| jobs::missing(lease))?;
    jobs::end(tx, lease, "done", None, now)?;
    let waits = match &manifest.subject {
        Subject::File { generation, .. } => landing.generation == *generation && landing.phase == Phase::Received,
        Subject::Range { .. } => landing.phase == Phase::Staged,
    };
    if landing.state != LandingState::Live || !waits {
        return Ok((Recorded::Superseded, None));
    }
    insert(tx, manifest, Some(&landing.id), now)?;
    let records = manifest.counts.records;
    let sql = "update landings set phase = 'staged', records = $2 where id = $1";
    tx.execute(sql, &[landing.id.as_str().into(), records.into()])?;
    // Until now a file counted as one record; from now on it counts as those that are in it.
    let sql = "update sequences set received_records = received_records + $3 where dataset = $1 and region = $2";
    let more = records - landing.records;
    tx.execute(sql, &[landing.dataset.as_str().into(), landing.region.as_str().into(), more.into()])?;
    let (dataset, source) = (landing.dataset.to_string(), landing.source.to_string());
    Ok((Recorded::Yes, Some(Count { fate: Fate::Received, dataset, source, records: more, bytes: 0 })))
}

impl Catalog {
    /// Records what staging a file (or one batch that is tried again) produced and ends its job.
    pub async fn record_landing(&self, lease: &Lease, manifest: &Manifest) -> Result<Recorded> {
        let (lease, manifest, now) = (lease.clone(), manifest.clone(), self.clock().now());
        let (recorded, received) = self.write(move |tx| record_landing(tx, &lease, &manifest, now)).await?;
        counters::add(received);
        self.wake(Topic::Staged);
        Ok(recorded)
    }

    /// Records what staging a range of events produced, and buries the batches that failed for good.
    pub async fn record_range(&self, lease: &SinkLease, manifest: &Manifest, dead: Vec<(LandingId, Error)>) -> Result<Recorded> {
        let (lease, manifest, now) = (lease.clone(), manifest.clone(), self.clock().now());
        let (recorded, buried) = self
            .write(move |tx| {
                if !sinks::holds(tx, &lease)? {
                    return Ok((Recorded::LeaseLost, Vec::new()));
                }
                let mut buried = Vec::new();
                for (landing, why) in &dead {
                    buried.extend(jobs::bury(tx, landing, &lease.dataset, why, now)?);
                }
                insert(tx, &manifest, None, now)?;
                Ok((Recorded::Yes, buried))
            })
            .await?;
        buried.into_iter().for_each(Buried::count);
        Ok(recorded)
    }
}
