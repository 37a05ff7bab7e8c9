//! Sealing: bodies leave the catalog (and the segments) for objects of their
//! dataset that expire as one, and batches that are loaded are merged with their
//! neighbours, together with the manifests of the ranges that they fill. Nothing
//! that names an event changes; what named a landing is answered from the index.

use landfall_model::{
    BodyPlace, Counts, DatasetName, Granularity, Landing, LandingId, Manifest, ManifestId, Region, Result, Subject, Timestamp, limits,
};

use crate::datasets::{json, parse};
use crate::engine::{Catalog, Row, Tx, Value};
use crate::landings::{COLUMNS, body_of, landing_of, word};
use crate::paths;
use crate::replays;
use crate::sinks::DELTA;

/// Neighbouring ranges of loaded events, to be sealed as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub dataset: DatasetName,
    pub region: Region,
    pub first: i64,
    pub last: i64,
    /// In order, each with the key of its rejects.
    pub manifests: Vec<(ManifestId, Option<String>)>,
    /// Of its ranges; the sealed one has the next.
    pub level: i64,
    /// Rows of the batches in it.
    pub landings: i64,
    /// False where a batch among them has a life of its own (a dead letter, a hold): then only the bodies move.
    pub merges: bool,
    /// What all of it was received in.
    pub partition: String,
}

/// What was written for a run.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// What the objects are registered under; the manifest of the whole range from now on.
    pub id: ManifestId,
    pub key: String,
    /// SHA-256 of all bodies.
    pub digest: String,
    pub index_bytes: u64,
    pub rejects: Option<String>,
    /// From when on nobody reads the old objects any more.
    pub unread_from: Timestamp,
}

/// Where a body has been copied to.
#[derive(Clone, Debug)]
pub struct Moved {
    pub landing: LandingId,
    /// Where it was.
    pub from: BodyPlace,
    pub offset: u64,
}

/// The level of ranges that are never merged.
const APART: i64 = -1;

/// One range on its way into a run.
struct Range {
    id: ManifestId,
    first: i64,
    last: i64,
    bytes: i64,
    rejects: Option<String>,
    partition: String,
    created_at: Timestamp,
    landings: i64,
    /// Batches with a life of their own.
    apart: i64,
}

/// Batches among `landings` that cannot be merged.
const IS_APART: &str =
    "case when l.phase <> 'received' or l.state <> 'live' or exists (select 1 from holds h where h.subject = l.id) then 1 else 0 end";

fn ranges(tx: &mut Tx, dataset: &DatasetName, region: &Region, level: i64, granularity: Granularity) -> Result<Vec<Range>> {
    let sql = "select m.id, m.first_seq, m.last_seq, m.bytes, m.rejects, m.received_to, m.created_at from manifests m \
               where m.dataset = $1 and m.region = $2 and m.level = $3 and m.landing is null and m.state = 'loaded' \
               order by m.first_seq limit 256";
    let rows = tx.query(sql, &[dataset.as_str().into(), region.as_str().into(), level.into()])?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let (first, last) = (row.int(1)?, row.int(2)?);
        found.push(Range {
            id: word(row.text(0)?)?,
            first,
            last,
            bytes: row.int(3)?,
            rejects: row.opt_text(4)?.map(str::to_owned),
            partition: granularity.partition(Timestamp(row.int(5)? - 1)),
            created_at: Timestamp(row.int(6)?),
            landings: 0,
            apart: 0,
        });
    }
    Ok(found)
}

/// How many batches a range has, and how many of them have a life of their own.
fn count(tx: &mut Tx, dataset: &DatasetName, region: &Region, first: i64, last: i64) -> Result<(i64, i64)> {
    let sql = format!(
        "select count(*), cast(coalesce(sum({IS_APART}), 0) as bigint) from landings l where l.dataset = $1 and l.region = $2 \
         and l.kind = 'batch' and l.first_seq between $3 and $4"
    );
    let row = tx.query_opt(&sql, &[dataset.as_str().into(), region.as_str().into(), first.into(), last.into()])?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
}

/// The next run of a region at `level`, if one is due.
fn next_run(
    tx: &mut Tx,
    dataset: &DatasetName,
    region: &Region,
    level: i64,
    granularity: Granularity,
    now: Timestamp,
) -> Result<Option<Run>> {
    let mut group: Vec<Range> = Vec::new();
    for mut range in ranges(tx, dataset, region, level, granularity)? {
        (range.landings, range.apart) = count(tx, dataset, region, range.first, range.last)?;
        let fits = group.last().is_none_or(|before| before.last + 1 == range.first && before.partition == range.partition)
            && group.iter().map(|range| range.bytes).sum::<i64>() + range.bytes <= limits::SEALED_BYTES_MAX
            && group.iter().map(|range| range.landings).sum::<i64>() + range.landings <= landings_max(level)
            && group.iter().all(|before| before.apart == 0)
            && (range.apart == 0 || group.is_empty());
        if !fits {
            if is_due(&group, level, true, now) {
                return Ok(Some(run(dataset, region, level, group)));
            }
            group.clear();
        }
        group.push(range);
    }
    Ok(is_due(&group, level, false, now).then(|| run(dataset, region, level, group)))
}

/// Rows that one transaction takes away, so that it holds nobody up for long.
fn landings_max(level: i64) -> i64 {
    if level == 0 { limits::LOAD_BATCHES_MAX as i64 } else { limits::SEALED_LANDINGS_MAX as i64 }
}

/// `full`: no neighbour will be added to the group any more.
fn is_due(group: &[Range], level: i64, full: bool, now: Timestamp) -> bool {
    let Some(first) = group.first() else { return false };
    if level == 0 {
        let age = i64::try_from(limits::SEAL_AFTER.as_micros()).unwrap_or(i64::MAX);
        return full || first.created_at.plus_micros(age) <= now;
    }
    group.len() >= limits::SEALED_MERGED_MIN || (full && group.len() >= 4)
}

fn run(dataset: &DatasetName, region: &Region, level: i64, group: Vec<Range>) -> Run {
    Run {
        dataset: dataset.clone(),
        region: region.clone(),
        first: group.first().map_or(0, |range| range.first),
        last: group.last().map_or(0, |range| range.last),
        level,
        landings: group.iter().map(|range| range.landings).sum(),
        merges: group.iter().all(|range| range.apart == 0),
        partition: group.first().map(|range| range.partition.clone()).unwrap_or_default(),
        manifests: group.into_iter().map(|range| (range.id, range.rejects)).collect(),
    }
}

/// True if the run is still what it was when it was found, and nothing is being decided about it. Locks the sink.
fn still_there(tx: &mut Tx, run: &Run) -> Result<bool> {
    let sql = format!("select 1 from sinks where dataset = $1 and sink = $2{}", tx.for_update());
    let key = [run.dataset.as_str().into(), DELTA.into()];
    tx.query(&sql, &key)?;
    // An expiry that is numbered names the ranges that it passes over.
    let open = "select 1 from loads where dataset = $1 and sink = $2 and state = 'open' and cutoff is not null";
    if tx.query_opt(open, &key)?.is_some() || replays::is_active(tx, &run.dataset)? {
        return Ok(false);
    }
    for (id, _) in &run.manifests {
        let sql = "select 1 from manifests where id = $1 and state = 'loaded' and level = $2";
        if tx.query_opt(sql, &[id.as_str().into(), run.level.into()])?.is_none() {
            return Ok(false);
        }
    }
    let (landings, apart) = count(tx, &run.dataset, &run.region, run.first, run.last)?;
    Ok(landings == run.landings && (apart == 0) == run.merges)
}

const IN_RANGE: &str = "dataset = $1 and region = $2 and kind = 'batch' and first_seq between $3 and $4";

fn range_params(run: &Run) -> [Value; 4] {
    [run.dataset.as_str().into(), run.region.as_str().into(), run.first.into(), run.last.into()]
}

/// Marks the objects that a run leaves.
fn leave_objects(tx: &mut Tx, run: &Run, sealed: &Sealed) -> Result<()> {
    let sql = format!("select distinct object from landings where object is not null and {IN_RANGE}");
    for row in tx.query(&sql, &range_params(run))? {
        leave_object(tx, run.dataset.as_str(), row.text(0)?, sealed.unread_from)?;
    }
    for (_, rejects) in &run.manifests {
        if let Some(rejects) = rejects {
            paths::gone(tx, rejects, run.dataset.as_str(), sealed.unread_from)?;
        }
    }
    Ok(())
}

/// Segments are swept by whoever can tell that nobody appends to them.
fn leave_object(tx: &mut Tx, dataset: &str, object: &str, unread_from: Timestamp) -> Result<()> {
    if object.starts_with("segments/") { Ok(()) } else { paths::gone(tx, object, dataset, unread_from) }
}

fn merge_landings(tx: &mut Tx, run: &Run, sealed: &Sealed) -> Result<()> {
    let params = range_params(run);
    let sums = format!(
        "select min(principal), max(principal), cast(sum(records) as bigint), cast(sum(size) as bigint), cast(sum(merged) as bigint), \
         min(received_at), min(coalesce(least_id, id)), max(coalesce(last_id, id)) from landings where {IN_RANGE}"
    );
    let Some(sums) = tx.query_opt(&sums, &params)? else { return Ok(()) };
    let first = format!("select id from landings where {IN_RANGE} order by first_seq limit 1");
    let Some(first) = tx.query_opt(&first, &params)? else { return Ok(()) };
    let principal = if sums.text(0)? == sums.text(1)? { sums.text(0)? } else { "several" };
    tx.execute(&format!("delete from bodies where landing in (select id from landings where {IN_RANGE})"), &params)?;
    tx.execute(&format!("delete from landings where {IN_RANGE} and first_seq > $3"), &params)?;
    let sql = "update landings set principal = $2, records = $3, size = $4, merged = $5, received_at = $6, least_id = $7, last_id = $8, \
               object = $9, object_offset = 0, index_bytes = $10, digest = $11 where id = $1";
    let params = [
        first.text(0)?.into(),
        principal.into(),
        sums.int(2)?.into(),
        sums.int(3)?.into(),
        sums.int(4)?.into(),
        sums.int(5)?.into(),
        sums.text(6)?.into(),
        sums.text(7)?.into(),
        sealed.key.as_str().into(),
        i64::try_from(sealed.index_bytes).unwrap_or(i64::MAX).into(),
        sealed.digest.as_str().into(),
    ];
    tx.execute(sql, &params).map(drop)
}

fn add(counts: &mut Counts, row: &Row) -> Result<()> {
    counts.records += row.int(1)?;
    counts.bytes += row.int(2)?;
    counts.rejected_records += row.int(3)?;
    counts.rejected_bytes += row.int(4)?;
    counts.rows += row.int(5)?;
    Ok(())
}

/// The manifests of a run as one; it names no files any more, for the table's log says which there are.
fn merge_manifests(tx: &mut Tx, run: &Run, sealed: &Sealed) -> Result<()> {
    let (mut counts, mut received_to, mut whole) = (Counts::default(), 0, None);
    let sql = "select body, records, bytes, rejected_records, rejected_bytes, rows, received_to from manifests where id = $1";
    for (id, _) in &run.manifests {
        if let Some(row) = tx.query_opt(sql, &[id.as_str().into()])? {
            add(&mut counts, &row)?;
            received_to = row.int(6)?.max(received_to);
            whole = Some(parse::<Manifest>(row.text(0)?)?);
        }
    }
    let (Some(whole), Some((first, _))) = (whole, run.manifests.first()) else { return Ok(()) };
    for (id, _) in run.manifests.iter().skip(1) {
        tx.execute("delete from manifests where id = $1", &[id.as_str().into()])?;
    }
    let subject = Subject::Range { region: run.region.clone(), first: run.first, last: run.last, except: Vec::new() };
    let body = Manifest { id: sealed.id.clone(), subject, files: Vec::new(), counts, rejects: sealed.rejects.clone(), ..whole };
    let sql = "update manifests set id = $2, last_seq = $3, body = $4, records = $5, bytes = $6, rejected_records = $7, rejected_bytes = $8, \
               rows = $9, rejects = $10, received_to = $11, level = $12 where id = $1";
    let params = [
        first.as_str().into(),
        sealed.id.as_str().into(),
        run.last.into(),
        json(&body)?.into(),
        counts.records.into(),
        counts.bytes.into(),
        counts.rejected_records.into(),
        counts.rejected_bytes.into(),
        counts.rows.into(),
        sealed.rejects.clone().into(),
        received_to.into(),
        (run.level + 1).into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Points each landing to its copy, if it is still where it was copied from.
fn move_each(tx: &mut Tx, dataset: &str, key: &str, moved: &[Moved], unread_from: Timestamp) -> Result<()> {
    for body in moved {
        let (from, offset) = crate::landings::place_of(&body.from);
        let here = if from.is_some() { "object = $4" } else { "object is null and $4 is null" };
        let sql = format!("update landings set object = $2, object_offset = $3 where id = $1 and {here} and object_offset = $5");
        let to = i64::try_from(body.offset).unwrap_or(i64::MAX);
        // PostgreSQL wants to know the type of a parameter that is compared with nothing.
        let sql = sql.replace("$4 is null", "cast($4 as text) is null");
        let params = [body.landing.as_str().into(), key.into(), to.into(), from.clone().into(), offset.into()];
        if tx.execute(&sql, &params)? == 1 {
            tx.execute("delete from bodies where landing = $1", &[body.landing.as_str().into()])?;
            if let Some(from) = from {
                let used = tx.query_opt("select 1 from landings where object = $1 limit 1", &[from.as_str().into()])?.is_some();
                if !used {
                    leave_object(tx, dataset, &from, unread_from)?;
                }
            }
        }
    }
    Ok(())
}

impl Catalog {
    /// The next run of loaded events of the dataset that is due to be sealed, or merged further, at `level`.
    pub async fn next_run(&self, dataset: &DatasetName, level: i64, granularity: Granularity) -> Result<Option<Run>> {
        let (dataset, now) = (dataset.clone(), self.clock().now());
        self.read(move |tx| {
            // A replay stages range by range, so they stay as they are until it is done.
            if replays::is_active(tx, &dataset)? {
                return Ok(None);
            }
            for row in tx.query("select region from sequences where dataset = $1 order by region", &[dataset.as_str().into()])? {
                let region = word(row.text(0)?)?;
                if let Some(run) = next_run(tx, &dataset, &region, level, granularity, now)? {
                    return Ok(Some(run));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Makes one batch and one manifest of a run whose bodies are sealed. False where something about the run has changed
    /// meanwhile: then nothing is, and what was written is swept.
    pub async fn merge_run(&self, run: &Run, sealed: &Sealed) -> Result<bool> {
        let (run, sealed) = (run.clone(), sealed.clone());
        self.write(move |tx| {
            if !still_there(tx, &run)? || !run.merges {
                return Ok(false);
            }
            if !paths::keep(tx, sealed.id.as_str(), 1 + usize::from(sealed.rejects.is_some()))? {
                return Err(paths::too_late(sealed.id.as_str()));
            }
            leave_objects(tx, &run, &sealed)?;
            merge_landings(tx, &run, &sealed)?;
            merge_manifests(tx, &run, &sealed)?;
            Ok(true)
        })
        .await
    }

    /// The ranges of a run stay what they are: their bodies are sealed.
    pub async fn set_apart(&self, run: &Run) -> Result<()> {
        let run = run.clone();
        self.write(move |tx| {
            for (id, _) in &run.manifests {
                tx.execute("update manifests set level = $2 where id = $1", &[id.as_str().into(), APART.into()])?;
            }
            Ok(())
        })
        .await
    }

    /// Points landings to the copies of their bodies in the object `key`, which was registered under `owner`. A landing whose
    /// body is elsewhere by now stays as it is.
    pub async fn move_bodies(
        &self,
        dataset: &DatasetName,
        owner: &str,
        key: &str,
        moved: Vec<Moved>,
        unread_from: Timestamp,
    ) -> Result<()> {
        let (dataset, owner, key) = (dataset.clone(), owner.to_owned(), key.to_owned());
        self.write(move |tx| {
            if !paths::keep_on(tx, &owner)? {
                return Err(paths::too_late(&owner));
            }
            move_each(tx, dataset.as_str(), &key, &moved, unread_from)
        })
        .await
    }

    /// Files of the dataset whose bodies are inline and that landed before `before`, the oldest first, of at most `bytes_max`
    /// bytes, and one at the least if there are any.
    pub async fn inline_files(&self, dataset: &DatasetName, before: Timestamp, bytes_max: i64) -> Result<Vec<(Landing, bytes::Bytes)>> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = format!(
                "select {COLUMNS} from landings where dataset = $1 and kind = 'file' and object is null and received_at < $2 \
                 order by received_at limit 1000"
            );
            let (mut found, mut bytes) = (Vec::new(), 0);
            for row in tx.query(&sql, &[dataset.as_str().into(), before.into()])? {
                let landing = landing_of(&row)?;
                bytes += landing.size;
                if bytes > bytes_max && !found.is_empty() {
                    break;
                }
                if let Some(body) = body_of(tx, &landing.id)? {
                    found.push((landing, body));
                }
            }
            Ok(found)
        })
        .await
    }

    /// Landings that are held, received before `before`, whose bodies lie with those of others.
    pub async fn held_together(&self, dataset: &DatasetName, before: Timestamp) -> Result<Vec<Landing>> {
        let dataset = dataset.clone();
        self.read(move |tx| {
            let sql = format!(
                "select {COLUMNS} from landings where id in (select subject from holds where dataset = $1) and received_at < $2 \
                 and object is not null and not (object like 'landings/%') and not (object like 'archive/landings/%')"
            );
            tx.query(&sql, &[dataset.as_str().into(), before.into()])?.iter().map(landing_of).collect()
        })
        .await
    }

    /// The segments that landings have their bodies in.
    pub async fn segment_is_used(&self, key: &str) -> Result<bool> {
        let key = key.to_owned();
        self.read(move |tx| Ok(tx.query_opt("select 1 from landings where object = $1 limit 1", &[key.as_str().into()])?.is_some())).await
    }
}
