//! Files: which landing is live under a key, and what replaces or deletes it.
//!
//! Rows of an earlier landing stay in the table until the load that brings in
//! its successor takes them out in the same commit; a delete lets the next load
//! take them out alone.

use bytes::Bytes;
use landfall_model::{BodyPlace, Condition, DatasetName, FileKey, JobId, Landing, LandingId, LandingState, Phase, Result, Timestamp};

use crate::counters::{self, COUNTED, Count, Fate, count_of};
use crate::engine::{Catalog, Row, Topic, Tx};
use crate::landings::{COLUMNS, find, insert_statement, landing_of};
use crate::paths;

/// A file to be landed; the generation of `landing` is ignored: this transaction gives it.
#[derive(Clone)]
pub struct NewFile {
    pub landing: Landing,
    pub key: FileKey,
    /// On what is live under the key now.
    pub condition: Condition,
    /// What its sender says of it beside its type; a document of the doors.
    pub attributes: Option<String>,
    /// The bytes, for `BodyPlace::Inline`.
    pub body: Option<Bytes>,
    /// The id of the job that will stage it.
    pub job: JobId,
}

/// What landing a file came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileLanded {
    New {
        generation: i64,
    },
    /// That very content is live under the key; nothing was written.
    Unchanged(Box<Landing>),
}

fn live(tx: &mut Tx, dataset: &DatasetName, key: &FileKey) -> Result<(Option<Landing>, i64)> {
    let sql = format!("select landing, generation from files where dataset = $1 and key = $2{}", tx.for_update());
    let Some(row) = tx.query_opt(&sql, &[dataset.as_str().into(), key.as_str().into()])? else {
        return Ok((None, 0));
    };
    let generation = row.int(1)?;
    let landing = match row.opt_text(0)? {
        Some(id) => find(tx, &crate::landings::word(id)?)?,
        None => None,
    };
    Ok((landing, generation))
}

/// Ends the life of a landing. One that no load has taken yet never will be, and its work is over: it is removed.
fn end(tx: &mut Tx, landing: &Landing, state: &str, now: Timestamp) -> Result<Option<Count>> {
    let id = landing.id.as_str();
    let sql = format!(
        "update landings set state = $2, phase = case when phase in ('received', 'dead') or (phase = 'staged' and load is null) \
         then 'removed' else phase end where id = $1 and state = 'live' returning {COUNTED}, phase"
    );
    let ended = tx.query_opt(&sql, &[id.into(), state.into()])?;
    tx.execute("update manifests set state = 'dropped' where landing = $1 and state = 'staged'", &[id.into()])?;
    tx.execute("delete from dead_letters where landing = $1", &[id.into()])?;
    let sql = "update jobs set state = 'done', error = $2, updated_at = $3 where landing = $1 and state in ('ready', 'leased', 'dead')";
    tx.execute(sql, &[id.into(), format!("the landing was {state} before its work was done").into(), now.into()])?;
    let Some(row) = ended else { return Ok(None) };
    if row.text(3)? == Phase::Removed.as_str() { count_of(Fate::Removed, landing.dataset.as_str(), &row).map(Some) } else { Ok(None) }
}

/// Ends the life of a landing whose retention is over.
pub(crate) fn expire(tx: &mut Tx, landing: &Landing, now: Timestamp) -> Result<Option<Count>> {
    let removed = end(tx, landing, "expired", now)?;
    let sql = "update files set landing = null where dataset = $1 and key = $2 and landing = $3";
    if let Some(key) = &landing.key {
        tx.execute(sql, &[landing.dataset.as_str().into(), key.as_str().into(), landing.id.as_str().into()])?;
    }
    Ok(removed)
}

/// Lands one file: its landing, its job, and the end of what was live under its key.
fn land(tx: &mut Tx, file: &NewFile) -> Result<(FileLanded, Option<Count>)> {
    let landing = &file.landing;
    let (dataset, key, now) = (landing.dataset.as_str(), file.key.as_str(), landing.received_at);
    let sql = "insert into files (dataset, key, generation) values ($1, $2, 0) on conflict (dataset, key) do nothing";
    tx.execute(sql, &[dataset.into(), key.into()])?;
    let (current, generation) = live(tx, &landing.dataset, &file.key)?;
    file.condition.check(&file.key, current.as_ref().map(|current| current.digest.as_str()))?;
    let mut removed = None;
    if let Some(current) = current {
        if current.digest == landing.digest {
            if file.attributes.is_some() {
                let sql = "update landings set content_type = $2 where id = $1";
                tx.execute(sql, &[current.id.as_str().into(), landing.content_type.clone().into()])?;
            }
            describe(tx, &current.id, file.attributes.as_deref())?;
            return Ok((FileLanded::Unchanged(Box::new(current)), None));
        }
        removed = end(tx, &current, "replaced", now)?;
    }
    let landing = Landing { generation: generation + 1, ..landing.clone() };
    let (sql, params) = insert_statement(&landing);
    tx.execute(sql, &params)?;
    if matches!(landing.body, BodyPlace::Object { .. }) && !paths::keep(tx, landing.id.as_str(), 1)? {
        return Err(paths::too_late(landing.id.as_str()));
    }
    describe(tx, &landing.id, file.attributes.as_deref())?;
    if let Some(body) = &file.body {
        tx.execute("insert into bodies (landing, bytes) values ($1, $2)", &[landing.id.as_str().into(), body.into()])?;
    }
    let sql = "insert into jobs (id, kind, dataset, landing, state, run_at, created_at, updated_at) values ($1, 'stage', $2, $3, 'ready', $4, $4, $4)";
    tx.execute(sql, &[file.job.as_str().into(), dataset.into(), landing.id.as_str().into(), now.into()])?;
    let sql = "update files set landing = $3, generation = $4 where dataset = $1 and key = $2";
    tx.execute(sql, &[dataset.into(), key.into(), landing.id.as_str().into(), landing.generation.into()])?;
    let sql = "update sequences set received_records = received_records + 1, received_bytes = received_bytes + $3 where dataset = $1 and region = $2";
    tx.execute(sql, &[dataset.into(), landing.region.as_str().into(), landing.size.into()])?;
    Ok((FileLanded::New { generation: landing.generation }, removed))
}

/// The newest description holds, also where the content is the same; a sender who says nothing leaves what was said.
fn describe(tx: &mut Tx, landing: &LandingId, attributes: Option<&str>) -> Result<()> {
    let Some(attributes) = attributes else { return Ok(()) };
    let sql = "insert into attributes (landing, body) values ($1, $2) on conflict (landing) do update set body = excluded.body";
    tx.execute(sql, &[landing.as_str().into(), attributes.into()]).map(drop)
}

fn landings_of(rows: &[Row]) -> Result<Vec<Landing>> {
    rows.iter().map(landing_of).collect()
}

impl Catalog {
    /// Lands one file in a transaction of its own. The caller wakes the workers.
    pub async fn land_file(&self, file: NewFile) -> Result<FileLanded> {
        let (landed, removed) = self.write(move |tx| land(tx, &file)).await?;
        counters::add(removed);
        Ok(landed)
    }

    /// Takes the file under `key` out of the dataset; `None` if there is none.
    pub async fn delete_file(&self, dataset: &DatasetName, key: &FileKey, condition: &Condition) -> Result<Option<Landing>> {
        let (dataset, key, condition, now) = (dataset.clone(), key.clone(), condition.clone(), self.clock().now());
        let gone = self
            .write(move |tx| {
                let (current, _) = live(tx, &dataset, &key)?;
                condition.check(&key, current.as_ref().map(|current| current.digest.as_str()))?;
                let Some(current) = current else { return Ok(None) };
                let removed = end(tx, &current, "deleted", now)?;
                let sql = "update files set landing = null where dataset = $1 and key = $2";
                tx.execute(sql, &[dataset.as_str().into(), key.as_str().into()])?;
                Ok(Some((current, removed)))
            })
            .await?;
        self.wake(Topic::Staged);
        let Some((gone, removed)) = gone else { return Ok(None) };
        counters::add(removed);
        Ok(Some(gone))
    }

    /// The landing that is live under `key`.
    pub async fn live_file(&self, dataset: &DatasetName, key: &FileKey) -> Result<Option<Landing>> {
        let (dataset, key) = (dataset.clone(), key.clone());
        let sql = format!("select {COLUMNS} from landings where id = (select landing from files where dataset = $1 and key = $2)");
        self.read(move |tx| {
            let row = tx.query_opt(&sql, &[dataset.as_str().into(), key.as_str().into()])?;
            row.as_ref().map(landing_of).transpose()
        })
        .await
    }

    /// Says something else of a landing; false where it is not live any more.
    pub async fn describe_file(&self, landing: &LandingId, attributes: &str) -> Result<bool> {
        let (landing, attributes) = (landing.clone(), attributes.to_owned());
        self.write(move |tx| {
            let live = find(tx, &landing)?.filter(|landing| landing.state == LandingState::Live);
            live.map_or(Ok(false), |landing| describe(tx, &landing.id, Some(&attributes)).map(|()| true))
        })
        .await
    }

    /// What the sender of a landing said of it.
    pub async fn attributes(&self, landing: &LandingId) -> Result<Option<String>> {
        let landing = landing.clone();
        self.read(move |tx| {
            let row = tx.query_opt("select body from attributes where landing = $1", &[landing.as_str().into()])?;
            row.map(|row| row.text(0).map(str::to_owned)).transpose()
        })
        .await
    }

    /// The live files whose keys begin with `prefix`, after the key `after`, in order of key (by bytes), at most `limit`.
    pub async fn live_files(&self, dataset: &DatasetName, prefix: &str, after: &str, limit: usize) -> Result<Vec<Landing>> {
        let (dataset, prefix, after) = (dataset.clone(), prefix.to_owned(), after.to_owned());
        self.read(move |tx| {
            let sql = format!(
                "select {COLUMNS} from landings where id in (select landing from files where dataset = $1 and landing is not null \
                 and key > $2 and key >= $3 and substr(key, 1, length($3)) = $3 order by key limit {limit}) \
                 order by key"
            );
            landings_of(&tx.query(&sql, &[dataset.as_str().into(), after.as_str().into(), prefix.as_str().into()])?)
        })
        .await
    }
}
