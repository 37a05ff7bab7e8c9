//! What of a window is still to be staged, a unit at a time.

use landfall_model::Result;

use super::{Replay, Unit};
use crate::engine::Tx;
use crate::landings::{landing_of, word};
use crate::sinks::DELTA;

/// The loaded ranges that the window touches: `m`, whose first batch is `l`.
pub(super) const IN_WINDOW: &str = "m.dataset = $1 and m.region is not null and m.landing is null and m.state = 'loaded' and m.received_to > $2 \
                         and (select min(l.received_at) from landings l where l.dataset = m.dataset and l.region = m.region \
                         and l.kind = 'batch' and l.first_seq = m.first_seq) < $3";

const STAGED: &str = "select 1 from manifests w where w.replay = $4 and w.state in ('waiting', 'numbered')";

fn next_range(tx: &mut Tx, replay: &Replay) -> Result<Option<Unit>> {
    let sql = format!(
        "select m.region, m.first_seq, m.last_seq from manifests m where {IN_WINDOW} and not exists ({STAGED} and w.region = m.region \
         and w.first_seq = m.first_seq and w.last_seq = m.last_seq and w.landing is null) order by m.region, m.first_seq limit 1"
    );
    let params = [replay.dataset.as_str().into(), replay.from.into(), replay.to.into(), replay.id.as_str().into()];
    let row = tx.query_opt(&sql, &params)?;
    row.map(|row| Ok(Unit::Range { region: word(row.text(0)?)?, first: row.int(1)?, last: row.int(2)? })).transpose()
}

/// Live landings of the window with a manifest of their own.
const ALONE: &str = "l.state = 'live' and l.phase = 'loaded' and l.dataset = $1 and ((l.kind = 'file' and l.received_at >= $2 and l.received_at < $3) \
                     or (l.kind = 'batch' and exists (select 1 from manifests r where r.replay = $4 and r.landing is null and r.region = l.region \
                     and l.first_seq between r.first_seq and r.last_seq)))";

fn next_landing(tx: &mut Tx, replay: &Replay) -> Result<Option<Unit>> {
    let columns = crate::landings::columns_of("l");
    let sql = format!(
        "select {columns} from landings l where {ALONE} and not exists ({STAGED} and w.landing = l.id) order by l.received_at, l.id limit 1"
    );
    let params = [replay.dataset.as_str().into(), replay.from.into(), replay.to.into(), replay.id.as_str().into()];
    let row = tx.query_opt(&sql, &params)?;
    row.map(|row| Ok(Unit::Landing(Box::new(landing_of(&row)?)))).transpose()
}

pub(super) fn next_unit(tx: &mut Tx, replay: &Replay) -> Result<Option<Unit>> {
    match next_range(tx, replay)? {
        Some(range) => Ok(Some(range)),
        None => next_landing(tx, replay),
    }
}

/// True while something of the window is on its way into the table for the first time.
pub(super) fn in_flight(tx: &mut Tx, replay: &Replay) -> Result<bool> {
    let files = "select 1 from landings where dataset = $1 and kind = 'file' and received_at >= $2 and received_at < $3 and state = 'live' \
                 and phase in ('received', 'staged') limit 1";
    let window = [replay.dataset.as_str().into(), replay.from.into(), replay.to.into()];
    if tx.query_opt(files, &window)?.is_some() {
        return Ok(true);
    }
    let events = "select 1 from landings l left join watermarks w on w.dataset = l.dataset and w.sink = $4 and w.region = l.region \
                  where l.dataset = $1 and l.kind = 'batch' and l.first_seq > coalesce(w.seq, 0) and l.received_at >= $2 and l.received_at < $3 limit 1";
    let [dataset, from, to] = window;
    Ok(tx.query_opt(events, &[dataset, from, to, DELTA.into()])?.is_some())
}
