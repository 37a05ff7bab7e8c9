//! Holds: what retention shall not touch, for as long as somebody says so.

use landfall_model::{DatasetName, Error, ErrorKind, LandingId, LandingState, Result, Timestamp};

use crate::engine::{Catalog, Row, Topic, Tx, Value};
use crate::expiry;
use crate::landings::{find, word};
use crate::lists::Page;
use crate::sinks::DELTA;

/// What a hold is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Dataset(DatasetName),
    Landing(LandingId),
}

impl Subject {
    /// A landing's id or the name of a dataset.
    pub fn parse(text: &str) -> Result<Subject> {
        if text.starts_with("lnd_") { text.parse().map(Subject::Landing) } else { text.parse().map(Subject::Dataset) }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Subject::Dataset(name) => name.as_str(),
            Subject::Landing(id) => id.as_str(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The landing's id, or the name of the dataset.
    pub subject: String,
    pub dataset: DatasetName,
    pub reason: String,
    /// Who holds it.
    pub principal: String,
    pub created_at: Timestamp,
}

impl Hold {
    /// The landing that is held; `None` where all of the dataset is.
    pub fn landing(&self) -> Option<&str> {
        Some(self.subject.as_str()).filter(|subject| *subject != self.dataset.as_str())
    }
}

const SELECT: &str = "select subject, dataset, reason, principal, created_at from holds";

fn hold_of(row: &Row) -> Result<Hold> {
    Ok(Hold {
        subject: row.text(0)?.to_owned(),
        dataset: word(row.text(1)?)?,
        reason: row.text(2)?.to_owned(),
        principal: row.text(3)?.to_owned(),
        created_at: Timestamp(row.int(4)?),
    })
}

/// True where all of the dataset is held.
pub(crate) fn holds_dataset(tx: &mut Tx, dataset: &str) -> Result<bool> {
    Ok(tx.query_opt("select 1 from holds where subject = $1", &[dataset.into()])?.is_some())
}

/// The landings of a dataset that are held.
pub(crate) fn held_landings(tx: &mut Tx, dataset: &str) -> Result<Vec<LandingId>> {
    let rows = tx.query("select subject from holds where dataset = $1 and subject <> dataset order by subject", &[dataset.into()])?;
    rows.iter().map(|row| word(row.text(0)?)).collect()
}

/// The dataset of what shall be held, which must still be there: what an expiry has taken cannot be held any more.
fn dataset_of(tx: &mut Tx, subject: &Subject) -> Result<DatasetName> {
    let id = match subject {
        Subject::Dataset(name) => {
            let missing = || Error::new(ErrorKind::UnknownDataset, format!("there is no dataset `{name}`"));
            if let Some(beside) = crate::datasets::find(tx, name)?.ok_or_else(missing)?.beside {
                let message = format!("`{name}` is a side table and keeps what `{0}` keeps: hold `{0}`, or a landing of it", beside.source);
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            return Ok(name.clone());
        }
        Subject::Landing(id) => id,
    };
    let missing = || Error::new(ErrorKind::NotFound, format!("there is no landing {id}, or it was purged"));
    let landing = find(tx, id)?.ok_or_else(missing)?;
    // Locks the sink, so that no expiry is numbered between this look and the hold.
    let sql = format!("select 1 from sinks where dataset = $1 and sink = $2{}", tx.for_update());
    tx.query(&sql, &[landing.dataset.as_str().into(), DELTA.into()])?;
    let over = expiry::latest(tx, &landing.dataset)?.is_some_and(|expiry| expiry.takes(&landing));
    if over || landing.state == LandingState::Expired {
        let message = format!("the retention of {id} has ended and it is being purged: it cannot be held any more");
        return Err(Error::new(ErrorKind::Gone, message));
    }
    Ok(landing.dataset)
}

impl Catalog {
    /// Keeps `subject` from retention until it is released. Holding what is held changes nothing but the reason and who
    /// gave it.
    pub async fn hold(&self, subject: Subject, reason: &str, principal: &str) -> Result<Hold> {
        let (reason, principal, now) = (reason.to_owned(), principal.to_owned(), self.clock().now());
        self.write(move |tx| {
            let dataset = dataset_of(tx, &subject)?;
            let sql = "insert into holds (subject, dataset, reason, principal, created_at) values ($1, $2, $3, $4, $5) \
                       on conflict (subject) do update set reason = excluded.reason, principal = excluded.principal";
            let (subject, reason, principal) = (subject.as_str(), reason.as_str(), principal.as_str());
            tx.execute(sql, &[subject.into(), dataset.as_str().into(), reason.into(), principal.into(), now.into()])?;
            // What is held already has been held since then.
            let created_at = tx.query_opt("select created_at from holds where subject = $1", &[subject.into()])?.map(|row| row.int(0));
            let created_at = created_at.transpose()?.map_or(now, Timestamp);
            Ok(Hold { subject: subject.to_owned(), dataset, reason: reason.to_owned(), principal: principal.to_owned(), created_at })
        })
        .await
    }

    /// Ends a hold; false if there is none.
    pub async fn release(&self, subject: Subject) -> Result<bool> {
        let released =
            self.write(move |tx| Ok(tx.execute("delete from holds where subject = $1", &[subject.as_str().into()])? == 1)).await?;
        self.wake(Topic::Staged);
        Ok(released)
    }

    /// The hold on `subject`, if there is one.
    pub async fn hold_on(&self, subject: Subject) -> Result<Option<Hold>> {
        self.read(move |tx| {
            tx.query_opt(&format!("{SELECT} where subject = $1"), &[subject.as_str().into()])?.as_ref().map(hold_of).transpose()
        })
        .await
    }

    /// All holds, by subject, after `after`.
    pub async fn holds(&self, after: &str, limit: usize) -> Result<Vec<Hold>> {
        self.list_holds(&Page { dataset: None, after: Some(after.to_owned()), limit }).await
    }

    /// Holds of a dataset, or of all, by subject; the cursor is the subject of the last one.
    pub async fn list_holds(&self, page: &Page) -> Result<Vec<Hold>> {
        let mut params: Vec<Value> = vec![page.after.as_deref().unwrap_or_default().into()];
        let mut of_dataset = "";
        if let Some(dataset) = &page.dataset {
            params.push(dataset.as_str().into());
            of_dataset = " and dataset = $2";
        }
        let sql = format!("{SELECT} where subject > $1{of_dataset} order by subject limit {}", page.limit);
        self.read(move |tx| tx.query(&sql, &params)?.iter().map(hold_of).collect()).await
    }
}
