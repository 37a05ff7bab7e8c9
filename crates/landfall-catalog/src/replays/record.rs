//! What staging a unit of a replay produced, recorded once, while it still counts.

use landfall_model::{LandingId, Manifest, Result, Subject, Timestamp};

use super::Replay;
use crate::engine::{Row, Tx};
use crate::manifests;

/// True while the unit is in the table of the dataset as it was staged. What was staged of one that an expiry has taken would
/// outlive it.
fn is_still_there(tx: &mut Tx, replay: &Replay, manifest: &Manifest, landing: Option<&LandingId>) -> Result<bool> {
    let found = match (landing, &manifest.subject) {
        (None, Subject::Range { region, first, last, .. }) => {
            let sql = "select 1 from manifests where dataset = $1 and region = $2 and first_seq = $3 and last_seq = $4 and landing is null \
                       and state = 'loaded'";
            tx.query_opt(sql, &[replay.dataset.as_str().into(), region.as_str().into(), (*first).into(), (*last).into()])?
        }
        (Some(landing), _) | (None, Subject::File { landing, .. }) => {
            let sql = "select 1 from landings where id = $1 and state = 'live' and phase = 'loaded'";
            tx.query_opt(sql, &[landing.as_str().into()])?
        }
    };
    Ok(found.is_some())
}

/// What was staged of the unit already.
fn known(tx: &mut Tx, replay: &Replay, manifest: &Manifest, landing: Option<&LandingId>) -> Result<Option<Row>> {
    match (landing, &manifest.subject) {
        (None, Subject::Range { region, first, .. }) => {
            let sql =
                "select 1 from manifests where replay = $1 and region = $2 and first_seq = $3 and landing is null and state = 'waiting'";
            tx.query_opt(sql, &[replay.id.as_str().into(), region.as_str().into(), (*first).into()])
        }
        (landing, _) => {
            let sql = "select 1 from manifests where replay = $1 and landing = $2 and state = 'waiting'";
            tx.query_opt(sql, &[replay.id.as_str().into(), landing.map(LandingId::as_str).into()])
        }
    }
}

pub(super) fn record(tx: &mut Tx, replay: &Replay, manifest: &Manifest, landing: Option<&LandingId>, now: Timestamp) -> Result<bool> {
    let sql = format!("select 1 from replays where id = $1 and state = 'running' and version = $2{}", tx.for_update());
    if tx.query_opt(&sql, &[replay.id.as_str().into(), manifest.definition_version.into()])?.is_none() {
        return Ok(false);
    }
    if !is_still_there(tx, replay, manifest, landing)? || known(tx, replay, manifest, landing)?.is_some() {
        return Ok(false);
    }
    manifests::insert(tx, manifest, landing, now)?;
    // Of batches that were merged only the manifest before knows when the last was received.
    let sql = "update manifests set state = 'waiting', replay = $2, received_to = coalesce((select max(o.received_to) from manifests o \
               where o.dataset = $3 and o.region = manifests.region and o.first_seq = manifests.first_seq \
               and o.last_seq = manifests.last_seq and o.landing is null and manifests.landing is null and o.state = 'loaded'), received_to) \
               where id = $1";
    tx.execute(sql, &[manifest.id.as_str().into(), replay.id.as_str().into(), replay.dataset.as_str().into()])?;
    Ok(true)
}
