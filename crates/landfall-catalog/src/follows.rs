//! What leaves a side table because an expiry took it out of its dataset's:
//! the same cutoff and the same held, by a load of the side table's own. Each that
//! it has taken is written down, and the report of a purge waits for it.

use landfall_model::{DatasetName, LoadId, Manifest, Result, Subject, Timestamp};

use crate::datasets::{json, parse};
use crate::engine::{Catalog, Tx};
use crate::expiry::{self, Expiry, Held};
use crate::landings::word;
use crate::loads::{self, Load, Opened};
use crate::paths;
use crate::sinks::{self, DELTA, SinkLease};

/// An expiry that a side table has to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The version of the dataset's table that took it.
    pub version: i64,
    pub expiry: Expiry,
}

fn due(tx: &mut Tx, side: &DatasetName) -> Result<Option<Due>> {
    let sql = "select s.purge_version, s.purged_to, s.held from datasets b join sinks s on s.dataset = b.beside and s.sink = $2 \
               where b.name = $1 and s.purge_version > coalesce((select max(f.version) from follows f where f.dataset = $1), -1)";
    let Some(row) = tx.query_opt(sql, &[side.as_str().into(), DELTA.into()])? else { return Ok(None) };
    let version = row.int(0)?;
    Ok(expiry::of_load(&row, 1)?.map(|expiry| Due { version, expiry }))
}

fn is_held(held: &Held, manifest: &Manifest, landing: Option<&str>) -> bool {
    let by_id = landing.is_some_and(|id| held.landings.iter().any(|held| held.as_str() == id));
    let by_range = match &manifest.subject {
        Subject::Range { region, first, last, .. } => {
            held.ranges.iter().any(|range| range.region == *region && range.first <= *last && *first <= range.last)
        }
        Subject::File { .. } => false,
    };
    by_id || by_range
}

/// Deletes what is known of what was staged and is over now, whether the table has it or it waits for that.
fn forget(tx: &mut Tx, side: &str, expiry: &Expiry, now: Timestamp) -> Result<()> {
    // Who is recording something for the replay comes before this, and is seen; or behind it, and finds it gone.
    let sql = format!("select id from replays where into_table = $1 and state in ('running', 'paused'){}", tx.for_update());
    tx.query(&sql, &[side.into()])?;
    let sql = "select id, body, landing, rejects from manifests where dataset = $1 and received_to <= $2 and state <> 'numbered'";
    for row in tx.query(sql, &[side.into(), expiry.cutoff.into()])? {
        if is_held(&expiry.held, &parse(row.text(1)?)?, row.opt_text(2)?) {
            continue;
        }
        if let Some(rejects) = row.opt_text(3)? {
            paths::gone(tx, rejects, side, now)?;
        }
        tx.execute("delete from manifests where id = $1", &[row.text(0)?.into()])?;
    }
    Ok(())
}

fn write_down(tx: &mut Tx, side: &str, version: i64, expiry: &Expiry) -> Result<()> {
    let sql =
        "update sinks set purged_to = case when purged_to > $3 then purged_to else $3 end, held = $4 where dataset = $1 and sink = $2";
    tx.execute(sql, &[side.into(), DELTA.into(), expiry.cutoff.into(), json(&expiry.held)?.into()])?;
    let sql = "insert into follows (dataset, version, side_version) select s.dataset, cast($3 as bigint), s.purge_version from sinks s \
               where s.dataset = $1 and s.sink = $2 on conflict do nothing";
    tx.execute(sql, &[side.into(), DELTA.into(), version.into()]).map(drop)
}

/// The side table has taken the expiry with its version `side_version`.
pub(crate) fn done(tx: &mut Tx, side: &str, due: &Due, side_version: i64, now: Timestamp) -> Result<()> {
    forget(tx, side, &due.expiry, now)?;
    let sql = "update sinks set purge_version = $3 where dataset = $1 and sink = $2";
    tx.execute(sql, &[side.into(), DELTA.into(), side_version.into()])?;
    write_down(tx, side, due.version, &due.expiry)
}

fn number(tx: &mut Tx, lease: &SinkLease, id: LoadId, asked: &Due, now: Timestamp) -> Result<Option<Load>> {
    let number = loads::next_number(tx, lease)?;
    if due(tx, &lease.dataset)?.as_ref() != Some(asked) {
        return Ok(None);
    }
    let opened = Opened {
        number,
        id,
        records: 0,
        rows: 0,
        landings: 0,
        removals: 0,
        expiry: Some(&asked.expiry),
        replay: None,
        follows: Some(asked.version),
    };
    loads::open(tx, lease, &opened, now)?;
    loads::open_load(tx, &lease.dataset)
}

/// Holds of a purge of the dataset `$1` once no side table beside it, nor one that was dropped, has any of it: each has
/// taken an expiry that took it too, its files were marked before `$2`, and all that is due at `$3` is deleted. `$4` is the sink.
pub(crate) const LEFT_SIDE_TABLES: &str = "not exists (select 1 from staged_paths d where d.dataset = $1 and d.state = 'gone' and d.path like 'tables/%/') \
    and not exists (select 1 from datasets b where b.beside = $1 and (not exists (select 1 from follows f \
    join sinks s on s.dataset = f.dataset and s.sink = $4 where f.dataset = b.name and f.version >= purges.version and f.swept_at < $2 \
    and f.side_version <= s.log_begins) or exists (select 1 from staged_paths p where p.dataset = b.name and ((p.state = 'gone' \
    and p.gone_until <= $3) or (p.state = 'staged' and p.created_at <= purges.purged_at)))))";

/// An expiry that is finished everywhere says all that those before it said.
pub(crate) fn forget_finished(tx: &mut Tx, source: &DatasetName, before: Timestamp) -> Result<()> {
    let sql = "delete from follows where dataset in (select name from datasets where beside = $1) and version < (select max(f.version) \
               from follows f join sinks s on s.dataset = f.dataset and s.sink = $3 where f.dataset = follows.dataset and f.swept_at < $2 \
               and f.side_version <= s.log_begins)";
    tx.execute(sql, &[source.as_str().into(), before.into(), DELTA.into()]).map(drop)
}

impl Catalog {
    /// The newest expiry of its dataset that the side table `side` has not taken.
    pub async fn follow_due(&self, side: &DatasetName) -> Result<Option<Due>> {
        let side = side.clone();
        self.read(move |tx| due(tx, &side)).await
    }

    /// Gives the next number of the side table to an expiry; `None` where another one is due by now. The caller has made sure
    /// that no load is open.
    pub async fn number_follow(&self, lease: &SinkLease, id: LoadId, due: &Due) -> Result<Option<Load>> {
        let (lease, due, now) = (lease.clone(), due.clone(), self.clock().now());
        self.write(move |tx| number(tx, &lease, id, &due, now)).await
    }

    /// The same for one that takes nothing out of the table: what waits to go in may be over, and is forgotten.
    pub async fn followed(&self, lease: &SinkLease, due: &Due) -> Result<()> {
        let (lease, due, now) = (lease.clone(), due.clone(), self.clock().now());
        self.write(move |tx| {
            if !sinks::holds(tx, &lease)? {
                return Err(sinks::lost(&lease));
            }
            forget(tx, lease.dataset.as_str(), &due.expiry, now)?;
            write_down(tx, lease.dataset.as_str(), due.version, &due.expiry)
        })
        .await
    }

    /// The newest expiry that a side table has taken and since when its paths were not compared with it.
    pub async fn follow_unswept(&self, side: &DatasetName) -> Result<Option<i64>> {
        let side = side.clone();
        self.read(move |tx| {
            let sql = "select max(version) from follows where dataset = $1 and swept_at is null";
            tx.query_opt(sql, &[side.as_str().into()])?.map_or(Ok(None), |row| row.opt_int(0))
        })
        .await
    }

    /// Every path that the side table does not name was found and marked by `at`, after it had taken the expiry `version`.
    pub async fn follow_swept(&self, side: &DatasetName, version: i64, at: Timestamp) -> Result<()> {
        let side = side.clone();
        self.write(move |tx| {
            let sql = "update follows set swept_at = $3 where dataset = $1 and version <= $2 and swept_at is null";
            tx.execute(sql, &[side.as_str().into(), version.into(), at.into()]).map(drop)
        })
        .await
    }

    /// The side tables of a dataset, by name.
    pub async fn side_tables(&self, source: &DatasetName) -> Result<Vec<DatasetName>> {
        let source = source.clone();
        self.read(move |tx| {
            let rows = tx.query("select name from datasets where beside = $1 order by name", &[source.as_str().into()])?;
            rows.iter().map(|row| word(row.text(0)?)).collect()
        })
        .await
    }
}
