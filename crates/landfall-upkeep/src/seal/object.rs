//! A sealed object while it is written: bodies, then their index.

use landfall_catalog::Catalog;
use landfall_catalog::landings::Body;
use landfall_model::{BodyPlace, DatasetName, Error, ErrorKind, Landing, ManifestId, Result, limits};
use landfall_store::sealed::{SealedBatch, write_index};
use landfall_store::{Store, Upload, keys};
use sha2::{Digest, Sha256};

pub(super) struct SealedObject {
    pub id: ManifestId,
    pub key: String,
    upload: Upload,
    hash: Sha256,
    bytes: u64,
    index: Vec<SealedBatch>,
}

/// One that is durable.
pub(super) struct Written {
    pub id: ManifestId,
    pub key: String,
    /// SHA-256 of the bodies.
    pub digest: String,
    pub index_bytes: u64,
}

impl SealedObject {
    pub async fn begin(catalog: &Catalog, store: &Store, dataset: &DatasetName, partition: &str) -> Result<SealedObject> {
        let id = ManifestId::new(catalog.clock());
        let key = keys::sealed(dataset, partition, &id);
        catalog.register_paths(dataset, id.as_str(), vec![key.clone()]).await?;
        let upload = store.upload(&key).await?;
        Ok(SealedObject { id, key, upload, hash: Sha256::new(), bytes: 0, index: Vec::new() })
    }

    /// Adds the body of a landing; returns where it lies.
    pub async fn add(&mut self, catalog: &Catalog, store: &Store, landing: &Landing) -> Result<u64> {
        let offset = self.bytes;
        if let Some(merged) = &landing.merged {
            let BodyPlace::Object { key, offset: start, length } = &landing.body else { return Err(gone(landing)) };
            let batches = store.index(key, start + length, merged.index_bytes).await?;
            self.index.extend(batches.into_iter().map(|batch| SealedBatch { offset: batch.offset + offset, ..batch }));
        } else {
            self.index.push(entry(landing, offset));
        }
        let (key, start, length) = match place(catalog, landing).await? {
            Body::Bytes(body) => {
                self.write(body).await?;
                return Ok(offset);
            }
            Body::Object { key, offset, length } => (key, offset, length),
        };
        let mut at = start;
        while at < start + length {
            let end = (start + length).min(at + limits::STREAM_CHUNK_BYTES as u64);
            self.write(store.get_range(&key, at..end).await?).await?;
            at = end;
        }
        Ok(offset)
    }

    async fn write(&mut self, body: bytes::Bytes) -> Result<()> {
        self.hash.update(&body);
        self.bytes += body.len() as u64;
        self.upload.write(body).await
    }

    /// Makes it durable, with an index behind the bodies where their landings are to be merged.
    pub async fn finish(mut self, merges: bool) -> Result<Written> {
        let mut index_bytes = 0;
        if merges {
            let index = write_index(&self.index)?;
            index_bytes = index.len() as u64;
            self.upload.write(index).await?;
        }
        self.upload.finish().await?;
        Ok(Written { id: self.id, key: self.key, digest: hex::encode(self.hash.finalize()), index_bytes })
    }
}

fn entry(landing: &Landing, offset: u64) -> SealedBatch {
    SealedBatch {
        id: landing.id.clone(),
        region: landing.region.clone(),
        source: landing.source,
        principal: landing.principal.clone(),
        digest: landing.digest.clone(),
        received_at: landing.received_at,
        first_seq: landing.first_seq,
        records: landing.records,
        offset,
        length: u64::try_from(landing.size).unwrap_or(0),
    }
}

async fn place(catalog: &Catalog, landing: &Landing) -> Result<Body> {
    match &landing.body {
        BodyPlace::Object { key, offset, length } => Ok(Body::Object { key: key.clone(), offset: *offset, length: *length }),
        BodyPlace::Inline => catalog.body(&landing.id).await?.ok_or_else(|| gone(landing)),
    }
}

fn gone(landing: &Landing) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the bytes of {} moved or were purged while they were being sealed", landing.id))
}
