//! Resumable uploads: what has arrived of a file that is not whole yet. Its parts are objects of the store.

use landfall_model::{DatasetName, Error, ErrorKind, FileKey, LandingId, Result, Timestamp, UploadId};

use crate::engine::{Catalog, Row, Tx};
use crate::landings::{unsigned, word};
use crate::{parts, paths};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub id: UploadId,
    pub dataset: DatasetName,
    pub key: FileKey,
    /// Only who began it may continue it.
    pub principal: String,
    pub content_type: Option<String>,
    /// Bytes of the whole, once the client has said it.
    pub length: Option<u64>,
    /// What the file will be said to be, where it comes in numbered parts; then `received` stays 0.
    pub attributes: Option<String>,
    /// Bytes that are durable.
    pub received: u64,
    /// What it became, once it was whole.
    pub landing: Option<LandingId>,
    pub created_at: Timestamp,
    pub touched_at: Timestamp,
}

/// One part, in order of `offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPart {
    pub offset: u64,
    pub length: u64,
    /// The store's key.
    pub object: String,
}

pub(crate) const SELECT: &str =
    "select id, dataset, key, principal, content_type, length, received, landing, created_at, touched_at, attributes from uploads";

pub(crate) fn upload_of(row: &Row) -> Result<Upload> {
    Ok(Upload {
        id: word(row.text(0)?)?,
        dataset: word(row.text(1)?)?,
        key: word(row.text(2)?)?,
        principal: row.text(3)?.to_owned(),
        content_type: row.opt_text(4)?.map(str::to_owned),
        length: row.opt_int(5)?.map(unsigned).transpose()?,
        received: unsigned(row.int(6)?)?,
        landing: row.opt_text(7)?.map(word).transpose()?,
        created_at: Timestamp(row.int(8)?),
        touched_at: Timestamp(row.int(9)?),
        attributes: row.opt_text(10)?.map(str::to_owned),
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn append(tx: &mut Tx, id: &UploadId, part: &UploadPart, now: Timestamp) -> Result<()> {
    // The offset is the compare-and-set: of two clients that continue one upload, one wins.
    let sql = "update uploads set received = received + $3, touched_at = $4 where id = $1 and received = $2 and landing is null and attributes is null";
    if tx.execute(sql, &[id.as_str().into(), signed(part.offset).into(), signed(part.length).into(), now.into()])? == 0 {
        let message = format!("the upload {id} does not stand at byte {}: ask for its offset and continue there", part.offset);
        return Err(Error::new(ErrorKind::Conflict, message));
    }
    if !paths::keep(tx, &part.object, 1)? {
        return Err(paths::too_late(&part.object));
    }
    let sql = "insert into upload_parts (upload, part_offset, length, object) values ($1, $2, $3, $4)";
    let params = [id.as_str().into(), signed(part.offset).into(), signed(part.length).into(), part.object.as_str().into()];
    tx.execute(sql, &params).map(drop)
}

impl Catalog {
    pub async fn create_upload(&self, upload: &Upload) -> Result<()> {
        let upload = upload.clone();
        self.write(move |tx| {
            let sql = "insert into uploads (id, dataset, key, principal, content_type, length, created_at, touched_at, attributes) values ($1, $2, $3, $4, $5, $6, $7, $7, $8)";
            let params = [
                upload.id.as_str().into(),
                upload.dataset.as_str().into(),
                upload.key.as_str().into(),
                upload.principal.as_str().into(),
                upload.content_type.clone().into(),
                upload.length.map(signed).into(),
                upload.created_at.into(),
                upload.attributes.clone().into(),
            ];
            tx.execute(sql, &params).map(drop)
        })
        .await
    }

    pub async fn upload(&self, id: &UploadId) -> Result<Option<Upload>> {
        let id = id.clone();
        self.read(move |tx| {
            let row = tx.query_opt(&format!("{SELECT} where id = $1"), &[id.as_str().into()])?;
            row.as_ref().map(upload_of).transpose()
        })
        .await
    }

    /// Names the part, which is durable, as the next of the upload. A part at any other offset is a conflict.
    pub async fn append_upload(&self, id: &UploadId, part: UploadPart) -> Result<()> {
        let (id, now) = (id.clone(), self.clock().now());
        self.write(move |tx| append(tx, &id, &part, now)).await
    }

    pub async fn upload_parts(&self, id: &UploadId) -> Result<Vec<UploadPart>> {
        let id = id.clone();
        self.read(move |tx| {
            let sql = "select part_offset, length, object from upload_parts where upload = $1 order by part_offset";
            let rows = tx.query(sql, &[id.as_str().into()])?;
            rows.iter()
                .map(|row| {
                    Ok(UploadPart { offset: unsigned(row.int(0)?)?, length: unsigned(row.int(1)?)?, object: row.text(2)?.to_owned() })
                })
                .collect()
        })
        .await
    }

    /// Remembers what the upload became, for a client that asks again.
    pub async fn finish_upload(&self, id: &UploadId, landing: &LandingId) -> Result<()> {
        let (id, landing, now) = (id.clone(), landing.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = "update uploads set landing = $2, touched_at = $3 where id = $1";
            tx.execute(sql, &[id.as_str().into(), landing.as_str().into(), now.into()]).map(drop)
        })
        .await
    }

    /// Forgets the upload and its parts, whose objects are swept.
    pub async fn delete_upload(&self, id: &UploadId) -> Result<()> {
        let (id, now) = (id.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = "select p.object, u.dataset from upload_parts p join uploads u on u.id = p.upload where p.upload = $1";
            for row in tx.query(sql, &[id.as_str().into()])? {
                paths::gone(tx, row.text(0)?, row.text(1)?, now)?;
            }
            tx.execute("delete from upload_parts where upload = $1", &[id.as_str().into()])?;
            parts::drop_parts(tx, id.as_str(), now)?;
            tx.execute("delete from uploads where id = $1", &[id.as_str().into()]).map(drop)
        })
        .await
    }

    /// Uploads that nobody touched since `before`, at most `limit`.
    pub async fn stale_uploads(&self, before: Timestamp, limit: usize) -> Result<Vec<Upload>> {
        self.read(move |tx| {
            let sql = format!("{SELECT} where touched_at < $1 order by touched_at limit {limit}");
            tx.query(&sql, &[before.into()])?.iter().map(upload_of).collect()
        })
        .await
    }

    /// Forgets receipts whose time is over, at most `limit`. Returns how many.
    pub async fn expire_receipts(&self, limit: usize) -> Result<u64> {
        let now = self.clock().now();
        self.write(move |tx| {
            let sql = format!(
                "delete from idempotency where (principal, dataset, key) in \
                 (select principal, dataset, key from idempotency where expires_at <= $1 order by expires_at limit {limit})"
            );
            tx.execute(&sql, &[now.into()])
        })
        .await
    }
}
