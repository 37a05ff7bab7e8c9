//! Dead letters: landings whose work failed for good. They are tried again or dropped, never forgotten.

use landfall_model::{Clock, Error, ErrorKind, JobId, Kind, Landing, LandingId, LandingState, Phase, Result, Timestamp};

use crate::counters::{self, Count, Fate};
use crate::engine::{Catalog, Row, Topic, Tx};
use crate::landings::{COUNT, columns_of, find, landing_of, unsigned};

/// A dead letter with its landing; its id is the landing's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub landing: Landing,
    /// The stable code of an `ErrorKind`.
    pub code: String,
    pub reason: String,
    pub line: Option<u64>,
    pub byte_offset: Option<u64>,
    pub dropped: bool,
    pub created_at: Timestamp,
}

/// `d` is the dead letter, `l` its landing.
pub(crate) fn select() -> String {
    let columns = columns_of("l");
    format!(
        "select {columns}, d.code, d.reason, d.line, d.byte_offset, d.state, d.created_at from dead_letters d join landings l on l.id = d.landing"
    )
}

pub(crate) fn dead_letter_of(row: &Row) -> Result<DeadLetter> {
    Ok(DeadLetter {
        landing: landing_of(row)?,
        code: row.text(COUNT)?.to_owned(),
        reason: row.text(COUNT + 1)?.to_owned(),
        line: row.opt_int(COUNT + 2)?.map(unsigned).transpose()?,
        byte_offset: row.opt_int(COUNT + 3)?.map(unsigned).transpose()?,
        dropped: row.text(COUNT + 4)? == "dropped",
        created_at: Timestamp(row.int(COUNT + 5)?),
    })
}

fn open(tx: &mut Tx, id: &LandingId) -> Result<Landing> {
    let landing = find(tx, id)?.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no dead letter {id}")))?;
    match (landing.phase, landing.state) {
        (Phase::Dead, LandingState::Live) => Ok(landing),
        (Phase::Dead, _) => Err(Error::new(ErrorKind::Conflict, format!("the dead letter {id} was dropped"))),
        _ => Err(Error::new(ErrorKind::NotFound, format!("{id} is not a dead letter: it is {}", landing.phase))),
    }
}

fn retry(tx: &mut Tx, id: &LandingId, job: &JobId, now: Timestamp) -> Result<JobId> {
    let landing = open(tx, id)?;
    tx.execute("delete from dead_letters where landing = $1", &[id.as_str().into()])?;
    // A batch stands behind the watermark already: it is under way as one that was staged before, not as one received.
    let phase = if landing.kind == Kind::Batch { Phase::Staged } else { Phase::Received };
    tx.execute("update landings set phase = $2 where id = $1", &[id.as_str().into(), phase.as_str().into()])?;
    let sql = "insert into jobs (id, kind, dataset, landing, state, run_at, created_at, updated_at) values ($1, 'stage', $2, $3, 'ready', $4, $4, $4)";
    tx.execute(sql, &[job.as_str().into(), landing.dataset.as_str().into(), id.as_str().into(), now.into()])?;
    Ok(job.clone())
}

/// What was loaded under the key before, and is still in the table, is live again.
fn fall_back(tx: &mut Tx, landing: &Landing) -> Result<()> {
    let Some(key) = &landing.key else { return Ok(()) };
    let sql = "select id from landings where dataset = $1 and key = $2 and kind = 'file' and phase = 'loaded' and removal is null \
               and state = 'replaced' order by generation desc limit 1";
    let before = tx.query_opt(sql, &[landing.dataset.as_str().into(), key.as_str().into()])?;
    let before = before.map(|row| row.text(0).map(str::to_owned)).transpose()?;
    if let Some(id) = &before {
        tx.execute("update landings set state = 'live' where id = $1", &[id.as_str().into()])?;
    }
    let sql = "update files set landing = $3 where dataset = $1 and key = $2 and landing = $4";
    let params = [landing.dataset.as_str().into(), key.as_str().into(), before.into(), landing.id.as_str().into()];
    tx.execute(sql, &params).map(drop)
}

fn discard(tx: &mut Tx, id: &LandingId) -> Result<Count> {
    let landing = open(tx, id)?;
    tx.execute("update landings set state = 'discarded' where id = $1", &[id.as_str().into()])?;
    tx.execute("update dead_letters set state = 'dropped' where landing = $1", &[id.as_str().into()])?;
    fall_back(tx, &landing)?;
    let (dataset, source) = (landing.dataset.to_string(), landing.source.to_string());
    Ok(Count { fate: Fate::Discarded, dataset, source, records: landing.records, bytes: landing.size })
}

impl Catalog {
    pub async fn dead_letter(&self, id: &LandingId) -> Result<Option<DeadLetter>> {
        let id = id.clone();
        self.read(move |tx| {
            let row = tx.query_opt(&format!("{} where d.landing = $1", select()), &[id.as_str().into()])?;
            row.as_ref().map(dead_letter_of).transpose()
        })
        .await
    }

    /// Puts the landing to work again; returns its new job.
    pub async fn retry_dead_letter(&self, id: &LandingId, clock: &Clock) -> Result<JobId> {
        let (id, job, now) = (id.clone(), JobId::new(clock), clock.now());
        let job = self.write(move |tx| retry(tx, &id, &job, now)).await?;
        self.wake(Topic::Work);
        Ok(job)
    }

    /// Gives the landing up: its records count as discarded from now on.
    pub async fn drop_dead_letter(&self, id: &LandingId) -> Result<()> {
        let id = id.clone();
        let discarded = self.write(move |tx| discard(tx, &id)).await?;
        counters::add([discarded]);
        Ok(())
    }
}
