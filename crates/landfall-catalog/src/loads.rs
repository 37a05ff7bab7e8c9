//! Loads: numbered in one transaction that also checks that each landing is
//! still live at the generation that was staged. From then on a load is frozen;
//! at most one is open per sink, and it is redone until it is done.

use landfall_model::{DatasetName, LandingId, LandingState, LoadId, Manifest, Region, ReplayId, Result, Subject, Timestamp, limits};

use crate::counters;
use crate::datasets::parse;
use crate::engine::{Catalog, Topic, Tx};
use crate::expiry::{self, Expiry};
use crate::follows::{self, Due};
use crate::landings::{find, word};
use crate::replays::{self, Window};
use crate::service;
use crate::sinks::{self, DELTA, SinkLease};

/// A load that is numbered and not yet done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    pub dataset: DatasetName,
    /// Counted from 1, without gaps.
    pub number: i64,
    pub id: LoadId,
    /// What goes in.
    pub manifests: Vec<Manifest>,
    /// What goes out: landings that were replaced or deleted after they were loaded.
    pub removals: Vec<Removal>,
    /// What goes out because its retention has ended.
    pub expiry: Option<Expiry>,
    /// Of an expiry of a side table: the version of its dataset's table that took it first.
    pub follows: Option<i64>,
    /// What goes out because `manifests` hold it anew.
    pub replay: Option<Window>,
}

/// A landing whose rows go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    pub landing: LandingId,
    pub received_at: Timestamp,
}

/// What no load has taken yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingEvents {
    pub events: i64,
    pub bytes: i64,
}

impl Load {
    /// Per region, the last event that the table holds once this load is in.
    pub fn watermarks(&self) -> Vec<(Region, i64)> {
        if self.replay.is_some() {
            return Vec::new();
        }
        let ranges = self.manifests.iter().filter_map(|manifest| match &manifest.subject {
            Subject::Range { region, last, .. } => Some((region.clone(), *last)),
            Subject::File { .. } => None,
        });
        let mut marks = std::collections::BTreeMap::new();
        for (region, last) in ranges {
            let mark = marks.entry(region).or_insert(last);
            *mark = last.max(*mark);
        }
        marks.into_iter().collect()
    }
}

fn manifests_where(tx: &mut Tx, filter: &str, params: &[crate::engine::Value]) -> Result<Vec<Manifest>> {
    let rows = tx.query(&format!("select body from manifests where {filter} order by created_at, id"), params)?;
    rows.iter().map(|row| parse(row.text(0)?)).collect()
}

pub(crate) fn open_load(tx: &mut Tx, dataset: &DatasetName) -> Result<Option<Load>> {
    let sql = "select number, id, cutoff, held, replay, follows from loads where dataset = $1 and sink = $2 and state = 'open'";
    let Some(row) = tx.query_opt(sql, &[dataset.as_str().into(), DELTA.into()])? else {
        return Ok(None);
    };
    let (number, id, expiry) = (row.int(0)?, LoadId(row.int(1)?), expiry::of_load(&row, 2)?);
    let key = [dataset.as_str().into(), number.into()];
    let manifests = manifests_where(tx, "dataset = $1 and load = $2", &key)?;
    let leaving = tx.query("select id, received_at from landings where dataset = $1 and removal = $2 order by id", &key)?;
    let removal = |row: &crate::engine::Row| Ok(Removal { landing: word(row.text(0)?)?, received_at: Timestamp(row.int(1)?) });
    let removals = leaving.iter().map(removal).collect::<Result<_>>()?;
    let replay = row.opt_text(4)?.map(|id| replays::window(tx, id, &manifests)).transpose()?;
    Ok(Some(Load { dataset: dataset.clone(), number, id, manifests, removals, expiry, follows: row.opt_int(5)?, replay }))
}

/// True if the manifest may go into the load; a file that is no longer live is dropped here for good.
fn admit(tx: &mut Tx, manifest: &Manifest) -> Result<bool> {
    let Subject::File { landing, generation } = &manifest.subject else {
        return Ok(true);
    };
    let current = find(tx, landing)?;
    if current.is_some_and(|landing| landing.state == LandingState::Live && landing.generation == *generation) {
        return Ok(true);
    }
    tx.execute("update manifests set state = 'dropped' where id = $1 and state = 'staged'", &[manifest.id.as_str().into()])?;
    Ok(false)
}

/// Landings whose rows must leave now: nothing is live under their key, or what is live is loaded or goes in with this load.
fn leaving(tx: &mut Tx, dataset: &DatasetName, number: i64) -> Result<Vec<LandingId>> {
    // What is over leaves by an expiry, all of it at once.
    let sql = format!(
        "select l.id from landings l left join files f on f.dataset = l.dataset and f.key = l.key \
         left join landings c on c.id = f.landing \
         where l.dataset = $1 and l.phase = 'loaded' and l.state <> 'live' and l.state <> 'expired' and l.removal is null \
         and (c.id is null or c.phase = 'loaded' or c.load = $2) order by l.id limit {}",
        limits::LOAD_REMOVALS_MAX
    );
    let rows = tx.query(&sql, &[dataset.as_str().into(), number.into()])?;
    rows.iter().map(|row| word(row.text(0)?)).collect()
}

fn number(tx: &mut Tx, lease: &SinkLease, id: LoadId, now: Timestamp) -> Result<Option<Load>> {
    let dataset = lease.dataset.as_str();
    // Locking the files that this load decides on: a put or a delete of one of them waits, and then sees the load.
    let number = next_number(tx, lease)?;
    let sql = format!(
        "select body from manifests where dataset = $1 and state = 'staged' order by created_at, id limit {}",
        limits::LOAD_MANIFESTS_MAX
    );
    let mut records = 0;
    let mut rows = 0;
    let mut taken = 0;
    for row in tx.query(&sql, &[dataset.into()])? {
        let manifest: Manifest = parse(row.text(0)?)?;
        if let Subject::File { landing, .. } = &manifest.subject {
            let lock =
                format!("select 1 from files where dataset = $1 and key = (select key from landings where id = $2){}", tx.for_update());
            tx.query(&lock, &[dataset.into(), landing.as_str().into()])?;
        }
        if !admit(tx, &manifest)? {
            continue;
        }
        tx.execute("update manifests set state = 'numbered', load = $2 where id = $1", &[manifest.id.as_str().into(), number.into()])?;
        // A file's landing, or a batch that was retried; ranges name none.
        let sql = "update landings set load = $2 where id = (select landing from manifests where id = $1)";
        tx.execute(sql, &[manifest.id.as_str().into(), number.into()])?;
        records += manifest.counts.records - manifest.counts.rejected_records;
        rows += manifest.counts.rows;
        taken += 1;
    }
    let leaving = leaving(tx, &lease.dataset, number)?;
    for landing in &leaving {
        tx.execute("update landings set removal = $2 where id = $1", &[landing.as_str().into(), number.into()])?;
    }
    if taken == 0 && leaving.is_empty() {
        return Ok(None);
    }
    let removals = i64::try_from(leaving.len()).unwrap_or(i64::MAX);
    open(tx, lease, &Opened { number, id, records, rows, landings: taken, removals, expiry: None, replay: None, follows: None }, now)?;
    open_load(tx, &lease.dataset)
}

/// The number of the sink's next load; locks the sink for it.
pub(crate) fn next_number(tx: &mut Tx, lease: &SinkLease) -> Result<i64> {
    let sql = format!("select last_load from sinks where dataset = $1 and sink = $2 and epoch = $3{}", tx.for_update());
    let params = [lease.dataset.as_str().into(), DELTA.into(), lease.epoch.into()];
    let row = tx.query_opt(&sql, &params)?.ok_or_else(|| sinks::lost(lease))?;
    Ok(row.int(0)? + 1)
}

/// A load as it is written down when it is numbered.
pub(crate) struct Opened<'a> {
    pub number: i64,
    pub id: LoadId,
    pub records: i64,
    pub rows: i64,
    /// Manifests that go in.
    pub landings: i64,
    pub removals: i64,
    pub expiry: Option<&'a Expiry>,
    pub replay: Option<&'a ReplayId>,
    pub follows: Option<i64>,
}

pub(crate) fn open(tx: &mut Tx, lease: &SinkLease, load: &Opened, now: Timestamp) -> Result<()> {
    let sql = "insert into loads (dataset, sink, number, id, epoch, state, records, rows, landings, removals, numbered_at, cutoff, held, replay, follows) \
               values ($1, $2, $3, $4, $5, 'open', $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    let params = [
        lease.dataset.as_str().into(),
        DELTA.into(),
        load.number.into(),
        load.id.0.into(),
        lease.epoch.into(),
        load.records.into(),
        load.rows.into(),
        load.landings.into(),
        load.removals.into(),
        now.into(),
        load.expiry.map(|expiry| expiry.cutoff).into(),
        load.expiry.map(|expiry| crate::datasets::json(&expiry.held)).transpose()?.into(),
        load.replay.map(ReplayId::as_str).into(),
        load.follows.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Moves the watermark over a loaded range; a retried batch behind it moves nothing.
fn move_watermark(tx: &mut Tx, dataset: &str, region: &Region, first: i64, last: i64) -> Result<()> {
    let sql = "insert into watermarks (dataset, sink, region, seq, bytes) \
               select $1, $2, $3, cast($5 as bigint), cast(coalesce(sum(size), 0) as bigint) from landings where dataset = $1 and region = $3 and kind = 'batch' \
               and first_seq between $4 and $5 \
               on conflict (dataset, sink, region) do update set bytes = watermarks.bytes + excluded.bytes, seq = excluded.seq \
               where watermarks.seq < excluded.seq";
    tx.execute(sql, &[dataset.into(), DELTA.into(), region.as_str().into(), first.into(), last.into()]).map(drop)
}

/// Marks the load as done; returns how many landings took longer until then than they may.
fn done(tx: &mut Tx, lease: &SinkLease, load: &Load, version: i64, now: Timestamp) -> Result<i64> {
    let dataset = lease.dataset.as_str();
    let sql = "update sinks set last_load = $4, last_load_id = $5 where dataset = $1 and sink = $2 and epoch = $3 and last_load = $4 - 1";
    let params = [dataset.into(), DELTA.into(), lease.epoch.into(), load.number.into(), load.id.0.into()];
    if tx.execute(sql, &params)? == 0 {
        return Err(sinks::lost(lease));
    }
    let sql = "update loads set state = 'done', committed_at = $4, table_version = $5 where dataset = $1 and sink = $2 and number = $3";
    tx.execute(sql, &[dataset.into(), DELTA.into(), load.number.into(), now.into(), version.into()])?;
    let key = [dataset.into(), load.number.into()];
    if load.replay.is_some() {
        // What is replayed was measured when it was loaded first.
        return replays::done(tx, load, now).map(|()| 0);
    }
    tx.execute("update manifests set state = 'loaded' where dataset = $1 and load = $2", &key)?;
    let sql = "update landings set phase = 'loaded' where id in (select landing from manifests where dataset = $1 and load = $2 and landing is not null)";
    tx.execute(sql, &key)?;
    tx.execute("update landings set phase = 'removed' where dataset = $1 and removal = $2", &key)?;
    if let Some(expiry) = &load.expiry {
        match load.follows {
            Some(of) => follows::done(tx, dataset, &Due { version: of, expiry: expiry.clone() }, version, now)?,
            None => expiry::done(tx, dataset, expiry, version, now)?,
        }
    }
    for manifest in &load.manifests {
        if let Subject::Range { region, first, last, .. } = &manifest.subject {
            move_watermark(tx, dataset, region, *first, *last)?;
        }
    }
    service::measure_load(tx, load, now)
}

impl Catalog {
    /// The load that is numbered and not yet done.
    pub async fn open_load(&self, dataset: &DatasetName) -> Result<Option<Load>> {
        let dataset = dataset.clone();
        self.read(move |tx| open_load(tx, &dataset)).await
    }

    /// Gives the next number to whatever is staged and must leave; `None` if that is nothing. The caller has made sure
    /// that no load is open.
    pub async fn number_load(&self, lease: &SinkLease, id: LoadId) -> Result<Option<Load>> {
        let (lease, now) = (lease.clone(), self.clock().now());
        self.write(move |tx| number(tx, &lease, id, now)).await
    }

    /// Marks a load as done that the sink holds at `version`.
    pub async fn finish_load(&self, lease: &SinkLease, load: &Load, version: i64) -> Result<()> {
        let (lease, load, now) = (lease.clone(), load.clone(), self.clock().now());
        // What is replayed was counted when it was loaded first.
        let (dataset, number, again) = (lease.dataset.clone(), load.number, load.replay.is_some());
        let late = self.write(move |tx| done(tx, &lease, &load, version, now)).await?;
        self.wake(Topic::Loaded);
        counters::breached(dataset.as_str(), late);
        if !again {
            self.count_load(&dataset, number, now).await;
        }
        Ok(())
    }

    /// Forgets the oldest loads of a dataset beyond the newest `limits::LOADS_KEPT`, at most `limit`. Returns how many.
    pub async fn trim_loads(&self, dataset: &DatasetName, limit: usize) -> Result<u64> {
        let dataset = dataset.clone();
        self.write(move |tx| {
            let sql = format!(
                "delete from loads where dataset = $1 and sink = $2 and number in (select number from loads where dataset = $1 and sink = $2 \
                 and state = 'done' and number <= (select last_load - {} from sinks where dataset = $1 and sink = $2) order by number limit {limit})",
                limits::LOADS_KEPT
            );
            tx.execute(&sql, &[dataset.as_str().into(), DELTA.into()])
        })
        .await
    }

    /// Per region, the last event that the sink holds, as of the last load that is done.
    pub async fn watermarks(&self, dataset: &DatasetName) -> Result<Vec<(Region, i64)>> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = "select region, seq from watermarks where dataset = $1 and sink = $2 order by region";
            let rows = tx.query(sql, &[dataset.as_str().into(), DELTA.into()])?;
            rows.iter().map(|row| Ok((word(row.text(0)?)?, row.int(1)?))).collect()
        })
        .await
    }

    /// The same, with what is staged or numbered already: where the next range begins.
    pub async fn staged_watermarks(&self, dataset: &DatasetName) -> Result<Vec<(Region, i64)>> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            // Ranges follow each other and are never dropped, so the last one says how far they go.
            let sql = "select s.region, (select m.last_seq from manifests m where m.dataset = s.dataset and m.region = s.region \
                       and m.landing is null order by m.last_seq desc limit 1), w.seq from sequences s \
                       left join watermarks w on w.dataset = s.dataset and w.sink = $2 and w.region = s.region \
                       where s.dataset = $1 order by s.region";
            let mut marks = Vec::new();
            for row in tx.query(sql, &[dataset.as_str().into(), DELTA.into()])? {
                if let Some(mark) = row.opt_int(1)?.into_iter().chain(row.opt_int(2)?).max() {
                    marks.push((word(row.text(0)?)?, mark));
                }
            }
            Ok(marks)
        })
        .await
    }

    /// How much is above the watermark.
    pub async fn waiting_events(&self, dataset: &DatasetName) -> Result<WaitingEvents> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = "select cast(coalesce(sum(s.next_seq - 1 - coalesce(w.seq, 0)), 0) as bigint), \
                       cast(coalesce(sum(s.event_bytes - coalesce(w.bytes, 0)), 0) as bigint) from sequences s \
                       left join watermarks w on w.dataset = s.dataset and w.region = s.region and w.sink = $2 where s.dataset = $1";
            let row = tx.query_opt(sql, &[dataset.as_str().into(), DELTA.into()])?;
            row.map_or(Ok(WaitingEvents::default()), |row| Ok(WaitingEvents { events: row.int(0)?, bytes: row.int(1)? }))
        })
        .await
    }

    /// True if something waits that a load should take: staged manifests, rows that must leave, or an open load.
    pub async fn load_waits(&self, dataset: &DatasetName) -> Result<bool> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = "select 1 where exists (select 1 from manifests where dataset = $1 and state = 'staged') \
                       or exists (select 1 from loads where dataset = $1 and state = 'open') \
                       or exists (select 1 from landings where dataset = $1 and phase = 'loaded' and state <> 'live' and state <> 'expired' \
                       and removal is null)";
            Ok(tx.query_opt(sql, &[dataset.as_str().into()])?.is_some())
        })
        .await
    }
}
