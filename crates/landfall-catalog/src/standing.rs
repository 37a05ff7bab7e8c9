//! Where a landing stands. The row of a batch only says that it was received:
//! what became of it follows from the sink's watermark and from the manifest
//! whose range holds it. Whoever shows a landing asks here.

use landfall_model::{Kind, Landing, LandingId, Phase, Result};

use crate::engine::{Row, Tx};
use crate::landings::{COUNT, columns_of, landing_of};
use crate::sinks::DELTA;

/// A landing as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandingRecord {
    /// Its phase is where it stands, of a batch too.
    pub landing: Landing,
    /// The load that brought it into the table, once that is done.
    pub load: Option<i64>,
}

/// What `record_of` reads, from the landings `l`: two look-ups by index for a batch, none for a file.
pub(crate) fn select() -> String {
    let columns = columns_of("l");
    // Ranges follow each other without gaps, so the first that ends at the batch or behind it is the one that holds it.
    let range = "select case when m.first_seq <= l.first_seq then coalesce(m.load, 0) end from manifests m where m.dataset = l.dataset \
                 and m.region = l.region and m.last_seq >= l.first_seq and m.landing is null and m.replay is null order by m.last_seq limit 1";
    let mark = format!("select w.seq from watermarks w where w.dataset = l.dataset and w.sink = '{DELTA}' and w.region = l.region");
    let of_batch = |question: &str| format!("case when l.kind = 'batch' and l.phase = 'received' then ({question}) end");
    format!("select {columns}, l.load, {}, {} from landings l", of_batch(range), of_batch(&mark))
}

pub(crate) fn record_of(row: &Row) -> Result<LandingRecord> {
    let mut landing = landing_of(row)?;
    let (own, range, mark) = (row.opt_int(COUNT)?, row.opt_int(COUNT + 1)?, row.opt_int(COUNT + 2)?);
    let mut number = own;
    if landing.kind == Kind::Batch && landing.phase == Phase::Received {
        number = range;
        if landing.last_seq() <= mark.unwrap_or(0) {
            landing.phase = Phase::Loaded;
        } else if range.is_some() {
            landing.phase = Phase::Staged;
        }
    }
    // A landing that was numbered and is not loaded yet has a number that is not done.
    let load = number.filter(|_| matches!(landing.phase, Phase::Loaded | Phase::Removed));
    Ok(LandingRecord { landing, load })
}

pub(crate) fn find(tx: &mut Tx, id: &LandingId) -> Result<Option<LandingRecord>> {
    let row = tx.query_opt(&format!("{} where l.id = $1", select()), &[id.as_str().into()])?;
    row.as_ref().map(record_of).transpose()
}
