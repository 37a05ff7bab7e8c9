//! Lists: pages of what the catalog holds, by keyset, newest first, for the control API and the tables of `landfall.*`.
//! No transaction outlives a page.

use landfall_model::{DatasetName, LandingId, Result, Timestamp};

use crate::dead_letters::{DeadLetter, dead_letter_of, select};
use crate::engine::{Catalog, Row, Value};
use crate::sinks::DELTA;
use crate::standing::{self, LandingRecord};

/// Which page: of one dataset or of all, what comes after the cursor `after`, at most `limit` items.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub dataset: Option<DatasetName>,
    /// The id of the last item of the page before.
    pub after: Option<String>,
    pub limit: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    pub id: String,
    pub kind: String,
    pub dataset: String,
    pub landing: String,
    /// `ready`, `leased`, `done` or `dead`.
    pub state: String,
    pub attempts: i64,
    pub owner: Option<String>,
    pub run_at: Timestamp,
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRecord {
    pub dataset: String,
    pub sink: String,
    pub number: i64,
    /// `open` or `done`.
    pub state: String,
    pub records: i64,
    pub rows: i64,
    /// Manifests that went in.
    pub manifests: i64,
    /// Landings whose rows went out.
    pub removals: i64,
    pub numbered_at: Timestamp,
    pub committed_at: Option<Timestamp>,
    pub table_version: Option<i64>,
}

/// Where the rejects of one manifest are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectsRecord {
    pub manifest: String,
    pub dataset: String,
    /// Of the manifest: `staged`, `numbered` or `loaded`.
    pub state: String,
    pub records: i64,
    pub bytes: i64,
    /// The store's key of the object, one `landfall_model::Reject` a line.
    pub object: String,
}

const JOBS: &str = "select id, kind, dataset, landing, state, attempts, owner, run_at, error, created_at, updated_at from jobs";

pub(crate) fn job_of(row: &Row) -> Result<JobRecord> {
    Ok(JobRecord {
        id: row.text(0)?.to_owned(),
        kind: row.text(1)?.to_owned(),
        dataset: row.text(2)?.to_owned(),
        landing: row.text(3)?.to_owned(),
        state: row.text(4)?.to_owned(),
        attempts: row.int(5)?,
        owner: row.opt_text(6)?.map(str::to_owned),
        run_at: Timestamp(row.int(7)?),
        error: row.opt_text(8)?.map(str::to_owned),
        created_at: Timestamp(row.int(9)?),
        updated_at: Timestamp(row.int(10)?),
    })
}

pub(crate) const LOADS: &str =
    "select dataset, sink, number, state, records, rows, landings, removals, numbered_at, committed_at, table_version from loads";

pub(crate) fn load_of(row: &Row) -> Result<LoadRecord> {
    Ok(LoadRecord {
        dataset: row.text(0)?.to_owned(),
        sink: row.text(1)?.to_owned(),
        number: row.int(2)?,
        state: row.text(3)?.to_owned(),
        records: row.int(4)?,
        rows: row.int(5)?,
        manifests: row.int(6)?,
        removals: row.int(7)?,
        numbered_at: Timestamp(row.int(8)?),
        committed_at: row.opt_int(9)?.map(Timestamp),
        table_version: row.opt_int(10)?,
    })
}

fn rejects_of(row: &Row) -> Result<RejectsRecord> {
    Ok(RejectsRecord {
        manifest: row.text(0)?.to_owned(),
        dataset: row.text(1)?.to_owned(),
        state: row.text(2)?.to_owned(),
        records: row.int(3)?,
        bytes: row.int(4)?,
        object: row.text(5)?.to_owned(),
    })
}

impl Catalog {
    /// One page of `select`, whose rows are told apart by the column `id`; `filter` holds for each.
    pub async fn page<T: Send + 'static>(
        &self,
        select: &str,
        id: &str,
        filter: &str,
        page: &Page,
        of: fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut params: Vec<Value> = Vec::new();
        let mut conditions = vec![filter.to_owned()];
        if let Some(after) = &page.after {
            params.push(after.as_str().into());
            conditions.push(format!("{id} < ${}", params.len()));
        }
        if let Some(dataset) = &page.dataset {
            params.push(dataset.as_str().into());
            conditions.push(format!(
                "{}dataset = ${}",
                id.strip_suffix("id").or(id.strip_suffix("landing")).unwrap_or_default(),
                params.len()
            ));
        }
        let sql = format!("{select} where {} order by {id} desc limit {}", conditions.join(" and "), page.limit);
        self.read(move |tx| tx.query(&sql, &params)?.iter().map(of).collect()).await
    }

    pub async fn list_landings(&self, page: &Page) -> Result<Vec<LandingRecord>> {
        self.page(&standing::select(), "l.id", "1 = 1", page, standing::record_of).await
    }

    pub async fn list_jobs(&self, page: &Page) -> Result<Vec<JobRecord>> {
        self.page(JOBS, "id", "1 = 1", page, job_of).await
    }

    pub async fn list_dead_letters(&self, page: &Page) -> Result<Vec<DeadLetter>> {
        self.page(&select(), "d.landing", "d.state = 'open'", page, dead_letter_of).await
    }

    /// Manifests with rejects, newest first.
    pub async fn list_rejects(&self, page: &Page) -> Result<Vec<RejectsRecord>> {
        let select = "select id, dataset, state, rejected_records, rejected_bytes, rejects from manifests";
        self.page(select, "id", "rejects is not null and state not in ('dropped', 'waiting')", page, rejects_of).await
    }

    /// Loads of a dataset, or of all; the cursor is `DATASET/NUMBER` of the last one.
    pub async fn list_loads(&self, page: &Page) -> Result<Vec<LoadRecord>> {
        let mut params: Vec<Value> = vec![DELTA.into()];
        let mut conditions = vec!["sink = $1".to_owned()];
        if let Some((dataset, number)) = page.after.as_deref().and_then(|after| after.split_once('/')) {
            params.push(dataset.into());
            params.push(number.parse::<i64>().unwrap_or(i64::MAX).into());
            conditions.push("(dataset > $2 or (dataset = $2 and number < $3))".into());
        }
        if let Some(dataset) = &page.dataset {
            params.push(dataset.as_str().into());
            conditions.push(format!("dataset = ${}", params.len()));
        }
        let sql = format!("{LOADS} where {} order by dataset, number desc limit {}", conditions.join(" and "), page.limit);
        self.read(move |tx| tx.query(&sql, &params)?.iter().map(load_of).collect()).await
    }

    /// The jobs of a landing, in the order in which they were made.
    pub async fn jobs_of(&self, landing: &LandingId) -> Result<Vec<JobRecord>> {
        let landing = landing.clone();
        self.read(move |tx| {
            tx.query(&format!("{JOBS} where landing = $1 order by id"), &[landing.as_str().into()])?.iter().map(job_of).collect()
        })
        .await
    }

    pub async fn job(&self, id: &landfall_model::JobId) -> Result<Option<JobRecord>> {
        let id = id.clone();
        self.read(move |tx| tx.query_opt(&format!("{JOBS} where id = $1"), &[id.as_str().into()])?.as_ref().map(job_of).transpose()).await
    }

    /// How much work waits: jobs that are ready or leased, and when the oldest of them was made.
    pub async fn queue(&self) -> Result<(i64, Option<Timestamp>)> {
        self.read(|tx| {
            // One state at a time, since each has an index of its own; the jobs that are done are not looked at.
            let sql = "select count(*), min(created_at) from jobs where state = 'ready' union all \
                       select count(*), min(created_at) from jobs where state = 'leased'";
            let (mut depth, mut oldest) = (0, None);
            for row in tx.query(sql, &[])? {
                depth += row.int(0)?;
                oldest = oldest.into_iter().chain(row.opt_int(1)?.map(Timestamp)).min();
            }
            Ok((depth, oldest))
        })
        .await
    }
}
