//! Service levels: what took longer than the objective of its dataset, and what still may. A landing is measured when it is
//! processed: its rows are in the table, or it is a dead letter. The rows here are written in the transaction that says so,
//! so they are neither lost nor there twice.

use landfall_model::{DatasetName, EventId, Kind, Landing, LandingId, Level, Region, Result, Span, Subject, Timestamp, limits};

use crate::engine::{Catalog, Row, Tx, Value};
use crate::landings::word;
use crate::lists::Page;
use crate::loads::Load;
use crate::sinks::DELTA;

/// A file, a dead letter, or batches of events that follow each other and were loaded together, which took too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The first of them, and the last: itself where it is one.
    pub landing: LandingId,
    pub last: LandingId,
    pub dataset: DatasetName,
    pub kind: Kind,
    pub region: Region,
    /// Its events; zeros of a file.
    pub first_seq: i64,
    pub last_seq: i64,
    pub landings: i64,
    pub records: i64,
    /// When the oldest of them was received.
    pub received_at: Timestamp,
    pub processed_at: Timestamp,
    /// What it was when they were processed.
    pub objective: Span,
}

impl Breach {
    /// How long the oldest of them took, in microseconds.
    pub fn micros(&self) -> i64 {
        self.processed_at.micros() - self.received_at.micros()
    }

    /// The event of that number; `None` of a file, which has none.
    pub fn event(&self, seq: i64) -> Option<EventId> {
        let event = EventId { dataset: self.dataset.clone(), region: self.region.clone(), seq };
        Some(event).filter(|_| self.kind == Kind::Batch)
    }
}

/// A dataset with an objective, and since when the oldest of its landings waits that are not processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub dataset: DatasetName,
    pub objective: Span,
    pub oldest: Option<Timestamp>,
}

impl Service {
    /// The age of that landing in microseconds; 0 where none waits.
    pub fn age(&self, now: Timestamp) -> i64 {
        self.oldest.map_or(0, |oldest| now.micros() - oldest.micros()).max(0)
    }

    pub fn level(&self, now: Timestamp) -> Level {
        self.oldest.map_or(Level::Met, |_| Level::of_waiting(self.age(now), self.objective))
    }
}

fn objective(tx: &mut Tx, dataset: &str) -> Result<Option<Span>> {
    let row = tx.query_opt("select sla from datasets where name = $1", &[dataset.into()])?;
    Ok(row.map(|row| row.opt_int(0)).transpose()?.flatten().map(Span::of_micros))
}

const INSERT: &str = "insert into sla_breaches (landing, last_landing, dataset, kind, region, first_seq, last_seq, landings, records, \
                      received_at, processed_at, objective)";

/// What was measured at one moment against one objective.
struct Measure {
    objective: Span,
    now: Timestamp,
}

impl Measure {
    /// What was received before this took longer than it may.
    fn cut(&self) -> Timestamp {
        self.objective.before(self.now)
    }

    /// Landings with a life of their own, `l`, of which `filter` holds by the `params` behind the first three. One that was a
    /// dead letter is in the list already if it took too long then.
    fn landings(&self, tx: &mut Tx, filter: &str, params: &[Value]) -> Result<i64> {
        let sql = format!(
            "{INSERT} select l.id, coalesce(l.last_id, l.id), l.dataset, l.kind, l.region, case when l.kind = 'batch' then l.first_seq else 0 end, \
             case when l.kind = 'batch' then l.first_seq + l.records - 1 else 0 end, l.merged, l.records, l.received_at, \
             cast($1 as bigint), cast($2 as bigint) from landings l where l.received_at < $3 and {filter} on conflict (landing) do nothing \
             returning landings"
        );
        let mut all: Vec<Value> = vec![self.now.into(), self.objective.micros().into(), self.cut().into()];
        all.extend_from_slice(params);
        tx.query(&sql, &all)?.iter().map(|row| row.int(0)).sum()
    }

    /// Batches of a range: one row for each run of them, so that there are as many as loads and not as requests.
    fn range(&self, tx: &mut Tx, dataset: &DatasetName, region: &Region, first: i64, last: i64) -> Result<i64> {
        let sql = "select id, last_id, first_seq, merged, records, received_at from landings where dataset = $1 and region = $2 \
                   and kind = 'batch' and first_seq between $3 and $4 and phase = 'received' and received_at < $5 order by first_seq";
        let params = [dataset.as_str().into(), region.as_str().into(), first.into(), last.into(), self.cut().into()];
        let mut runs: Vec<Breach> = Vec::new();
        for row in tx.query(sql, &params)? {
            let batch = self.batch(dataset, region, &row)?;
            match runs.last_mut() {
                Some(run) if run.last_seq + 1 == batch.first_seq => extend(run, batch),
                _ => runs.push(batch),
            }
        }
        runs.iter().map(|run| write(tx, run)).sum()
    }

    fn batch(&self, dataset: &DatasetName, region: &Region, row: &Row) -> Result<Breach> {
        let (id, first_seq, records) = (row.text(0)?, row.int(2)?, row.int(4)?);
        Ok(Breach {
            landing: word(id)?,
            last: word(row.opt_text(1)?.unwrap_or(id))?,
            dataset: dataset.clone(),
            kind: Kind::Batch,
            region: region.clone(),
            first_seq,
            last_seq: first_seq + records - 1,
            landings: row.int(3)?,
            records,
            received_at: Timestamp(row.int(5)?),
            processed_at: self.now,
            objective: self.objective,
        })
    }
}

/// Puts the batch behind the run that it follows.
fn extend(run: &mut Breach, batch: Breach) {
    run.last = batch.last;
    run.last_seq = batch.last_seq;
    run.landings += batch.landings;
    run.records += batch.records;
    run.received_at = run.received_at.min(batch.received_at);
}

/// Writes a run down; returns how many landings it has.
fn write(tx: &mut Tx, run: &Breach) -> Result<i64> {
    let sql = format!("{INSERT} values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (landing) do nothing");
    let params = [
        run.landing.as_str().into(),
        run.last.as_str().into(),
        run.dataset.as_str().into(),
        run.kind.as_str().into(),
        run.region.as_str().into(),
        run.first_seq.into(),
        run.last_seq.into(),
        run.landings.into(),
        run.records.into(),
        run.received_at.into(),
        run.processed_at.into(),
        run.objective.micros().into(),
    ];
    Ok(if tx.execute(&sql, &params)? == 1 { run.landings } else { 0 })
}

/// Measures what a load brought in that is done; returns how many landings took too long.
pub(crate) fn measure_load(tx: &mut Tx, load: &Load, now: Timestamp) -> Result<i64> {
    let dataset = load.dataset.as_str();
    let Some(objective) = objective(tx, dataset)? else { return Ok(0) };
    let measure = Measure { objective, now };
    // Of manifests of one landing: a file, or a batch that was tried again.
    let own = "l.id in (select m.landing from manifests m where m.dataset = $4 and m.load = $5 and m.landing is not null)";
    let mut late = measure.landings(tx, own, &[dataset.into(), load.number.into()])?;
    for manifest in &load.manifests {
        if let Subject::Range { region, first, last, .. } = &manifest.subject {
            late += measure.range(tx, &load.dataset, region, *first, *last)?;
        }
    }
    Ok(late)
}

/// The same of a landing that is a dead letter now.
pub(crate) fn measure_dead(tx: &mut Tx, dataset: &DatasetName, landing: &LandingId, now: Timestamp) -> Result<i64> {
    let Some(objective) = objective(tx, dataset.as_str())? else { return Ok(0) };
    Measure { objective, now }.landings(tx, "l.id = $4", &[landing.as_str().into()])
}

/// Forgets what is said of a landing that is purged. Batches that were loaded together go together, so a run goes with its last.
pub(crate) fn forget(tx: &mut Tx, landing: &Landing) -> Result<()> {
    if landing.kind == Kind::File {
        return tx.execute("delete from sla_breaches where landing = $1", &[landing.id.as_str().into()]).map(drop);
    }
    let sql = "delete from sla_breaches where dataset = $1 and region = $2 and kind = 'batch' and last_seq between $3 and $4";
    let (first, last) = (landing.first_seq.into(), landing.last_seq().into());
    tx.execute(sql, &[landing.dataset.as_str().into(), landing.region.as_str().into(), first, last]).map(drop)
}

const SELECT: &str = "select landing, last_landing, dataset, kind, region, first_seq, last_seq, landings, records, received_at, \
                      processed_at, objective from sla_breaches";

fn breach_of(row: &Row) -> Result<Breach> {
    Ok(Breach {
        landing: word(row.text(0)?)?,
        last: word(row.text(1)?)?,
        dataset: word(row.text(2)?)?,
        kind: word(row.text(3)?)?,
        region: word(row.text(4)?)?,
        first_seq: row.int(5)?,
        last_seq: row.int(6)?,
        landings: row.int(7)?,
        records: row.int(8)?,
        received_at: Timestamp(row.int(9)?),
        processed_at: Timestamp(row.int(10)?),
        objective: Span::of_micros(row.int(11)?),
    })
}

/// Each dataset with an objective: its oldest file, batch that is tried again, and event that are not processed, each the first
/// of an index.
const SERVICES: &str = "select d.name, d.sla, (select l.received_at from landings l where l.dataset = d.name and l.kind = 'file' \
     and l.phase in ('received', 'staged') order by l.received_at limit 1), \
     (select l.received_at from landings l where l.dataset = d.name and l.kind = 'batch' and l.phase <> 'received' and l.phase = 'staged' \
     order by l.received_at limit 1), \
     (select min((select l.received_at from landings l where l.dataset = s.dataset and l.region = s.region and l.kind = 'batch' \
     and l.first_seq > coalesce((select w.seq from watermarks w where w.dataset = s.dataset and w.sink = $1 and w.region = s.region), 0) \
     and l.phase = 'received' order by l.first_seq limit 1)) from sequences s where s.dataset = d.name) \
     from datasets d where d.sla is not null order by d.name";

impl Catalog {
    /// Every dataset with an objective, and how it stands.
    pub async fn services(&self) -> Result<Vec<Service>> {
        self.read(|tx| {
            let mut services = Vec::new();
            for row in tx.query(SERVICES, &[DELTA.into()])? {
                let oldest = [row.opt_int(2)?, row.opt_int(3)?, row.opt_int(4)?].into_iter().flatten().min();
                services.push(Service {
                    dataset: word(row.text(0)?)?,
                    objective: Span::of_micros(row.int(1)?),
                    oldest: oldest.map(Timestamp),
                });
            }
            Ok(services)
        })
        .await
    }

    /// When the oldest events of a dataset were received that no load has brought in.
    pub async fn oldest_event(&self, dataset: &DatasetName) -> Result<Option<Timestamp>> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = "select min((select l.received_at from landings l where l.dataset = s.dataset and l.region = s.region and l.kind = 'batch' \
                       and l.first_seq > coalesce((select w.seq from watermarks w where w.dataset = s.dataset and w.sink = $2 \
                       and w.region = s.region), 0) order by l.first_seq limit 1)) from sequences s where s.dataset = $1";
            let row = tx.query_opt(sql, &[dataset.as_str().into(), DELTA.into()])?;
            Ok(row.map(|row| row.opt_int(0)).transpose()?.flatten().map(Timestamp))
        })
        .await
    }

    /// What took too long, newest landing first.
    pub async fn list_breaches(&self, page: &Page) -> Result<Vec<Breach>> {
        self.page(SELECT, "landing", "1 = 1", page, breach_of).await
    }

    /// What is said of one landing as it landed, if it took too long.
    pub async fn breach_of(&self, landing: &Landing) -> Result<Option<Breach>> {
        let landing = landing.clone();
        self.read(move |tx| {
            let row = if landing.kind == Kind::File {
                tx.query_opt(&format!("{SELECT} where landing = $1"), &[landing.id.as_str().into()])?
            } else {
                let sql =
                    format!("{SELECT} where dataset = $1 and region = $2 and kind = 'batch' and last_seq >= $3 order by last_seq limit 1");
                tx.query_opt(&sql, &[landing.dataset.as_str().into(), landing.region.as_str().into(), landing.first_seq.into()])?
            };
            let breach = row.as_ref().map(breach_of).transpose()?;
            Ok(breach.filter(|breach| landing.kind == Kind::File || breach.first_seq <= landing.first_seq))
        })
        .await
    }

    /// Forgets the oldest breaches of a dataset beyond the newest `keep`. Returns how many.
    pub async fn trim_breaches(&self, dataset: &DatasetName, keep: usize) -> Result<u64> {
        let dataset = dataset.clone();
        self.write(move |tx| {
            let sql = format!(
                "delete from sla_breaches where landing in (select landing from sla_breaches where dataset = $1 and landing <= (select landing \
                 from sla_breaches where dataset = $1 order by landing desc limit 1 offset {keep}) order by landing limit {})",
                limits::CATALOG_PAGE_ROWS
            );
            tx.execute(&sql, &[dataset.as_str().into()])
        })
        .await
    }
}
