//! Uploads in numbered parts, which may come in any order, again, and at once.
//! An upload that has attributes is one of these; its parts are objects of the
//! store, and become one file when the sender says which they are.

use landfall_model::{DatasetName, Error, ErrorKind, LandingId, Result, Timestamp, UploadId};

use crate::engine::{Catalog, Tx};
use crate::landings::{unsigned, word};
use crate::paths;
use crate::uploads::{SELECT, Upload, upload_of};

/// One part, in order of `number`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub number: i64,
    /// Bytes.
    pub length: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub digest: String,
    /// The store's key.
    pub object: String,
    pub created_at: Timestamp,
}

fn no_upload(id: &UploadId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no upload {id} under way: it is finished, or was given up"))
}

fn put(tx: &mut Tx, id: &UploadId, part: &Part, now: Timestamp) -> Result<()> {
    let sql = "update uploads set touched_at = $2 where id = $1 and landing is null and attributes is not null returning dataset";
    let Some(row) = tx.query_opt(sql, &[id.as_str().into(), now.into()])? else { return Err(no_upload(id)) };
    let dataset: DatasetName = word(row.text(0)?)?;
    if !paths::keep(tx, &part.object, 1)? {
        return Err(paths::too_late(&part.object));
    }
    let key = [id.as_str().into(), part.number.into()];
    if let Some(before) = tx.query_opt("select object from parts where upload = $1 and number = $2", &key)? {
        paths::gone(tx, before.text(0)?, dataset.as_str(), now)?;
    }
    let sql = "insert into parts (upload, number, length, digest, object, created_at) values ($1, $2, $3, $4, $5, $6) on conflict (upload, number) \
               do update set length = excluded.length, digest = excluded.digest, object = excluded.object, created_at = excluded.created_at";
    let length = i64::try_from(part.length).unwrap_or(i64::MAX);
    let about = [length.into(), part.digest.as_str().into(), part.object.as_str().into(), now.into()];
    tx.execute(sql, &[key.to_vec(), about.to_vec()].concat()).map(drop)
}

/// Forgets the parts of an upload, whose objects are swept.
pub(crate) fn drop_parts(tx: &mut Tx, id: &str, now: Timestamp) -> Result<()> {
    let sql = "select p.object, u.dataset from parts p join uploads u on u.id = p.upload where p.upload = $1";
    for row in tx.query(sql, &[id.into()])? {
        paths::gone(tx, row.text(0)?, row.text(1)?, now)?;
    }
    tx.execute("delete from parts where upload = $1", &[id.into()]).map(drop)
}

impl Catalog {
    /// Names a part, which is durable; one of the same number that came before is swept.
    pub async fn put_part(&self, id: &UploadId, part: Part) -> Result<()> {
        let (id, now) = (id.clone(), self.clock().now());
        self.write(move |tx| put(tx, &id, &part, now)).await
    }

    /// All parts of an upload.
    pub async fn parts(&self, id: &UploadId) -> Result<Vec<Part>> {
        let id = id.clone();
        self.read(move |tx| {
            let rows = tx.query(
                "select number, length, digest, object, created_at from parts where upload = $1 order by number",
                &[id.as_str().into()],
            )?;
            let part = |row: &crate::engine::Row| {
                Ok(Part {
                    number: row.int(0)?,
                    length: unsigned(row.int(1)?)?,
                    digest: row.text(2)?.to_owned(),
                    object: row.text(3)?.to_owned(),
                    created_at: Timestamp(row.int(4)?),
                })
            };
            rows.iter().map(part).collect()
        })
        .await
    }

    /// Remembers what the parts became, for a client that asks again, and lets them go.
    pub async fn finish_parts(&self, id: &UploadId, landing: &LandingId) -> Result<()> {
        let (id, landing, now) = (id.clone(), landing.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = "update uploads set landing = $2, touched_at = $3 where id = $1";
            tx.execute(sql, &[id.as_str().into(), landing.as_str().into(), now.into()])?;
            drop_parts(tx, id.as_str(), now)
        })
        .await
    }

    /// Uploads in parts that are under way in a dataset, of keys that begin with `prefix`, behind the key and the upload
    /// `after`, in their order.
    pub async fn uploads_in_parts(&self, dataset: &DatasetName, prefix: &str, after: (&str, &str), limit: usize) -> Result<Vec<Upload>> {
        let (dataset, prefix, key, id) = (dataset.clone(), prefix.to_owned(), after.0.to_owned(), after.1.to_owned());
        self.read(move |tx| {
            let sql = format!(
                "{SELECT} where dataset = $1 and attributes is not null and landing is null and substr(key, 1, length($2)) = $2 \
                 and (key > $3 or (key = $3 and id > $4)) order by key, id limit {limit}"
            );
            let params = [dataset.as_str().into(), prefix.as_str().into(), key.as_str().into(), id.as_str().into()];
            tx.query(&sql, &params)?.iter().map(upload_of).collect()
        })
        .await
    }
}
