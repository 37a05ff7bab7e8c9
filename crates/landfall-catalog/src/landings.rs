//! Landings as rows, and what any landing can be asked.

use bytes::Bytes;
use landfall_model::{BodyPlace, Error, ErrorKind, Landing, LandingId, Merged, Result, Timestamp};

use crate::engine::{Catalog, Row, Tx, Value};

/// The columns that `landing_of` reads, in its order.
pub(crate) const COLUMNS: &str = "id, dataset, region, kind, source, principal, key, generation, content_type, digest, size, received_at, \
                                  first_seq, records, object, object_offset, state, phase, merged, last_id, index_bytes";

/// How many they are: the place of what a query asks for behind them.
pub(crate) const COUNT: usize = 21;

/// The same columns of the table that a join calls `table`.
pub(crate) fn columns_of(table: &str) -> String {
    COLUMNS.split(", ").map(|column| format!("{table}.{}", column.trim())).collect::<Vec<_>>().join(", ")
}

/// Reads a value that was written from its own text; anything else means that the catalog was changed by hand.
pub fn word<T>(text: &str) -> Result<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|why| Error::new(ErrorKind::Corrupt, format!("the catalog holds `{text}`, which cannot be read: {why}")))
}

pub(crate) fn landing_of(row: &Row) -> Result<Landing> {
    let size = row.int(10)?;
    let body = match row.opt_text(14)? {
        None => BodyPlace::Inline,
        Some(key) => BodyPlace::Object { key: key.to_owned(), offset: unsigned(row.int(15)?)?, length: unsigned(size)? },
    };
    Ok(Landing {
        id: word(row.text(0)?)?,
        dataset: word(row.text(1)?)?,
        region: word(row.text(2)?)?,
        kind: word(row.text(3)?)?,
        source: word(row.text(4)?)?,
        principal: word(row.text(5)?)?,
        key: row.opt_text(6)?.map(word).transpose()?,
        generation: row.int(7)?,
        content_type: row.opt_text(8)?.map(str::to_owned),
        digest: row.text(9)?.to_owned(),
        size,
        received_at: Timestamp(row.int(11)?),
        first_seq: row.int(12)?,
        records: row.int(13)?,
        body,
        state: word(row.text(16)?)?,
        phase: word(row.text(17)?)?,
        merged: merged_of(row)?,
    })
}

fn merged_of(row: &Row) -> Result<Option<Merged>> {
    let Some(last) = row.opt_text(19)? else { return Ok(None) };
    Ok(Some(Merged { landings: row.int(18)?, last: word(last)?, index_bytes: unsigned(row.int(20)?)? }))
}

pub(crate) fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number)
        .map_err(|_| Error::new(ErrorKind::Corrupt, format!("the catalog holds {number} where no number below zero can be")))
}

/// A body's place as the columns `object` and `object_offset` hold it.
pub(crate) fn place_of(body: &BodyPlace) -> (Option<String>, i64) {
    match body {
        BodyPlace::Inline => (None, 0),
        BodyPlace::Object { key, offset, .. } => (Some(key.clone()), i64::try_from(*offset).unwrap_or(i64::MAX)),
    }
}

/// Writes a new landing; its numbers and its place must be final.
pub(crate) fn insert_statement(landing: &Landing) -> (&'static str, Vec<Value>) {
    let (object, offset) = place_of(&landing.body);
    let sql = "insert into landings (id, dataset, region, kind, source, principal, key, generation, content_type, digest, size, received_at, \
               first_seq, records, object, object_offset) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let params = vec![
        landing.id.as_str().into(),
        landing.dataset.as_str().into(),
        landing.region.as_str().into(),
        landing.kind.as_str().into(),
        landing.source.as_str().into(),
        landing.principal.to_string().into(),
        landing.key.as_ref().map(|key| key.as_str().to_owned()).into(),
        landing.generation.into(),
        landing.content_type.clone().into(),
        landing.digest.clone().into(),
        landing.size.into(),
        landing.received_at.into(),
        landing.first_seq.into(),
        landing.records.into(),
        object.into(),
        offset.into(),
    ];
    (sql, params)
}

/// The bytes of a landing, or where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Bytes(Bytes),
    /// In the store: `length` bytes of the object `key`, from `offset` on.
    Object {
        key: String,
        offset: u64,
        length: u64,
    },
}

/// Of each dataset and region one batch at most stands for an id.
const AROUND_MAX: usize = 1000;

/// The landing of that id, inside a transaction.
pub fn find(tx: &mut Tx, id: &LandingId) -> Result<Option<Landing>> {
    let row = tx.query_opt(&format!("select {COLUMNS} from landings where id = $1"), &[id.as_str().into()])?;
    row.as_ref().map(landing_of).transpose()
}

pub(crate) fn body_of(tx: &mut Tx, id: &LandingId) -> Result<Option<Bytes>> {
    let row = tx.query_opt("select bytes from bodies where landing = $1", &[id.as_str().into()])?;
    row.map(|row| row.bytes(0)).transpose()
}

impl Catalog {
    pub async fn landing(&self, id: &LandingId) -> Result<Option<Landing>> {
        let id = id.clone();
        self.read(move |tx| find(tx, &id)).await
    }

    /// Which of these landings are recorded: how a commit whose answer was lost is looked up.
    pub async fn recorded(&self, ids: Vec<LandingId>) -> Result<Vec<Landing>> {
        self.read(move |tx| {
            let mut found = Vec::new();
            for id in &ids {
                found.extend(find(tx, id)?);
            }
            Ok(found)
        })
        .await
    }

    /// Where the bytes of a landing are now; `None` if it is not there any more. Whoever was told that they are inline asks
    /// again here, for they may have been sealed since.
    pub async fn body(&self, id: &LandingId) -> Result<Option<Body>> {
        let id = id.clone();
        self.read(move |tx| {
            if let Some(bytes) = body_of(tx, &id)? {
                return Ok(Some(Body::Bytes(bytes)));
            }
            Ok(find(tx, &id)?.and_then(|landing| match landing.body {
                BodyPlace::Object { key, offset, length } => Some(Body::Object { key, offset, length }),
                BodyPlace::Inline => None,
            }))
        })
        .await
    }

    /// Batches that may stand for `id`, which was merged into one of them: their indexes tell which.
    pub async fn merged_around(&self, id: &LandingId) -> Result<Vec<Landing>> {
        let id = id.clone();
        self.read(move |tx| {
            let sql = format!("select {COLUMNS} from landings where last_id >= $1 and least_id <= $1 order by last_id limit {AROUND_MAX}");
            tx.query(&sql, &[id.as_str().into()])?.iter().map(landing_of).collect()
        })
        .await
    }
}
