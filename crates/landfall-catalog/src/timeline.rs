//! The timeline of an event, a landing or a job: received, stored, queued, staged, loaded, or why not. It is read
//! from the facts themselves; nothing is written for it.

use landfall_model::{AnyId, Error, ErrorKind, EventId, Kind, Landing, LandingId, LandingState, Phase, Result, Timestamp};

use crate::dead_letters::DeadLetter;
use crate::engine::{Catalog, Tx};
use crate::events::batch_of;
use crate::landings::{find, word};
use crate::lists::{JobRecord, LOADS, LoadRecord, load_of};
use crate::sinks::DELTA;
use crate::standing;

/// Everything the catalog knows of one landing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Its phase is where it stands.
    pub landing: Landing,
    pub event: Option<EventId>,
    pub jobs: Vec<JobRecord>,
    pub staged: Option<Staged>,
    /// The load that brought it in, and the one that took it out again.
    pub load: Option<LoadRecord>,
    pub removal: Option<LoadRecord>,
    pub dead_letter: Option<DeadLetter>,
}

/// What staging it counted: of an event, all that were staged with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    pub manifest: String,
    pub records: i64,
    pub rejected_records: i64,
    pub rows: i64,
    pub at: Timestamp,
    /// The store's key of the object with the rejects.
    pub rejects: Option<String>,
}

impl Timeline {
    /// One word for where it stands: `received`, `staged`, `loaded`, `dead`, `discarded`, `removed`.
    pub fn standing(&self) -> &'static str {
        match (self.landing.phase, self.landing.state) {
            (Phase::Dead, LandingState::Discarded) => "discarded",
            (phase, _) => phase.as_str(),
        }
    }
}

fn load_numbered(tx: &mut Tx, dataset: &str, number: Option<i64>) -> Result<Option<LoadRecord>> {
    let Some(number) = number else { return Ok(None) };
    let row =
        tx.query_opt(&format!("{LOADS} where dataset = $1 and sink = $2 and number = $3"), &[dataset.into(), DELTA.into(), number.into()])?;
    row.as_ref().map(load_of).transpose()
}

type ManifestRow = (Staged, Option<i64>);

fn manifest_of(tx: &mut Tx, landing: &Landing) -> Result<Option<ManifestRow>> {
    let fields = "select id, records, rejected_records, rows, created_at, rejects, load from manifests";
    let mut row = tx.query_opt(
        &format!("{fields} where landing = $1 and dataset = $2 and state not in ('dropped', 'waiting') order by created_at desc limit 1"),
        &[landing.id.as_str().into(), landing.dataset.as_str().into()],
    )?;
    let in_a_range = landing.kind == Kind::Batch && landing.phase == Phase::Received;
    if row.is_none() && in_a_range {
        let sql = format!(
            "{fields} where dataset = $1 and region = $2 and last_seq >= $3 and first_seq <= $3 and landing is null and replay is null order by last_seq limit 1"
        );
        row = tx.query_opt(&sql, &[landing.dataset.as_str().into(), landing.region.as_str().into(), landing.first_seq.into()])?;
    }
    let Some(row) = row else { return Ok(None) };
    let staged = Staged {
        manifest: row.text(0)?.to_owned(),
        records: row.int(1)?,
        rejected_records: row.int(2)?,
        rows: row.int(3)?,
        at: Timestamp(row.int(4)?),
        rejects: row.opt_text(5)?.map(str::to_owned),
    };
    Ok(Some((staged, row.opt_int(6)?)))
}

fn removal_of(tx: &mut Tx, landing: &LandingId) -> Result<Option<i64>> {
    let row = tx.query_opt("select removal from landings where id = $1", &[landing.as_str().into()])?;
    row.map(|row| row.opt_int(0)).transpose().map(Option::flatten)
}

fn resolve(tx: &mut Tx, id: &AnyId) -> Result<Landing> {
    let found = match id {
        AnyId::Landing(id) => find(tx, id)?,
        AnyId::Event(event) => batch_of(tx, &event.dataset, &event.region, event.seq)?,
        AnyId::Job(job) => match tx.query_opt("select landing from jobs where id = $1", &[job.as_str().into()])? {
            Some(row) => find(tx, &word(row.text(0)?)?)?,
            None => None,
        },
    };
    let name = match id {
        AnyId::Landing(id) => id.to_string(),
        AnyId::Event(id) => id.to_string(),
        AnyId::Job(id) => id.to_string(),
    };
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("nothing is known of `{name}`")))
}

impl Catalog {
    /// The timeline of whatever `id` names.
    pub async fn timeline(&self, id: AnyId) -> Result<Timeline> {
        let (landing, staged, load, removal, event) = self
            .read(move |tx| {
                let landing = resolve(tx, &id)?;
                let dataset = landing.dataset.as_str().to_owned();
                let (staged, number) = manifest_of(tx, &landing)?.map_or((None, None), |(staged, load)| (Some(staged), load));
                let load = load_numbered(tx, &dataset, number)?;
                let number = removal_of(tx, &landing.id)?;
                let removal = load_numbered(tx, &dataset, number)?;
                let event = if let AnyId::Event(event) = &id { Some(event.clone()) } else { None };
                let landing = standing::find(tx, &landing.id)?.map_or(landing, |record| record.landing);
                Ok((landing, staged, load, removal, event))
            })
            .await?;
        let jobs = self.jobs_of(&landing.id).await?;
        let dead_letter = if landing.phase == Phase::Dead { self.dead_letter(&landing.id).await? } else { None };
        Ok(Timeline { landing, event, jobs, staged, load, removal, dead_letter })
    }
}
