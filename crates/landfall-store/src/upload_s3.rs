//! An upload to S3: a small object in one request, a large one in parts, of
//! which two are under way while the next is gathered.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use landfall_model::{Error, ErrorKind, Result, limits};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};
use tokio::task::{JoinHandle, JoinSet};

use crate::errors::from_object_store;
use crate::upload::{Gathered, Stored};

/// Parts under way at once, for each upload.
const PARTS_AT_ONCE: usize = 2;

pub(crate) struct S3Upload {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    gathered: Gathered,
    size: u64,
    parts: Parts,
    /// Hashes the parts in their order; `None` only while it is handed over.
    digest: Option<JoinHandle<Sha256>>,
}

/// The multipart upload, once the object has turned out to need one. Dropped before it is complete, it is aborted.
#[derive(Default)]
struct Parts {
    multipart: Option<Box<dyn MultipartUpload>>,
    under_way: JoinSet<object_store::Result<()>>,
    count: usize,
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.under_way.abort_all();
        if let (Some(mut multipart), Ok(runtime)) = (self.multipart.take(), tokio::runtime::Handle::try_current()) {
            // Nobody is left to hear of a failure; S3's own rule for old unfinished uploads covers it.
            runtime.spawn(async move { multipart.abort().await });
        }
    }
}

impl fmt::Debug for S3Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Upload({}, {} bytes)", self.path, self.size)
    }
}

fn part_size(number: usize) -> usize {
    if number < limits::S3_SMALL_PARTS { limits::S3_PART_BYTES } else { limits::S3_LARGE_PART_BYTES }
}

impl S3Upload {
    pub fn new(objects: Arc<dyn ObjectStore>, path: Path) -> S3Upload {
        let digest = Some(tokio::task::spawn_blocking(Sha256::new));
        S3Upload { objects, path, gathered: Gathered::default(), size: 0, parts: Parts::default(), digest }
    }

    fn error(&self, error: &object_store::Error) -> Error {
        from_object_store(&format!("upload object `{}`", self.path), error)
    }

    async fn hasher(&mut self) -> Result<Sha256> {
        let failed = |why: &str| Error::internal("hash an upload", why);
        let work = self.digest.take().ok_or_else(|| failed("an earlier piece failed"))?;
        work.await.map_err(|error| failed(&error.to_string()))
    }

    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        self.gathered.push(bytes);
        if self.gathered.size() >= part_size(self.parts.count) { self.send_part().await } else { Ok(()) }
    }

    async fn send_part(&mut self) -> Result<()> {
        if self.parts.count >= limits::S3_PARTS_MAX {
            let message = format!("object `{}` is larger than S3 can take in {} parts", self.path, limits::S3_PARTS_MAX);
            return Err(Error::new(ErrorKind::BodyTooLarge, message));
        }
        if self.parts.multipart.is_none() {
            let begun = self.objects.put_multipart(&self.path).await;
            self.parts.multipart = Some(begun.map_err(|error| self.error(&error))?);
        }
        while self.parts.under_way.len() >= PARTS_AT_ONCE {
            self.wait_for_part().await?;
        }
        let pieces = self.gathered.take();
        let mut hasher = self.hasher().await?;
        let payload: PutPayload = pieces.iter().cloned().collect();
        self.digest = Some(tokio::task::spawn_blocking(move || {
            pieces.iter().for_each(|piece| hasher.update(piece));
            hasher
        }));
        if let Some(multipart) = &mut self.parts.multipart {
            self.parts.under_way.spawn(multipart.put_part(payload));
            self.parts.count += 1;
        }
        Ok(())
    }

    async fn wait_for_part(&mut self) -> Result<()> {
        match self.parts.under_way.join_next().await {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(self.error(&error)),
            Some(Err(error)) => Err(Error::internal("upload a part", error)),
        }
    }

    pub async fn finish(mut self: Box<Self>) -> Result<Stored> {
        let digest = if self.parts.multipart.is_none() {
            let mut hasher = self.hasher().await?;
            let pieces = self.gathered.take();
            let payload: PutPayload = pieces.iter().cloned().collect();
            let hash = tokio::task::spawn_blocking(move || {
                pieces.iter().for_each(|piece| hasher.update(piece));
                hasher
            });
            self.objects.put(&self.path, payload).await.map_err(|error| self.error(&error))?;
            hash.await.map_err(|error| Error::internal("hash an upload", error))?
        } else {
            if self.gathered.size() > 0 {
                self.send_part().await?;
            }
            while !self.parts.under_way.is_empty() {
                self.wait_for_part().await?;
            }
            self.complete().await?;
            self.hasher().await?
        };
        Ok(Stored { size: self.size, digest: hex::encode(digest.finalize()) })
    }

    async fn complete(&mut self) -> Result<()> {
        if let Some(multipart) = &mut self.parts.multipart {
            let completed = multipart.complete().await;
            completed.map_err(|error| self.error(&error))?;
            // Done: there is nothing left that dropping could abort.
            self.parts.multipart = None;
        }
        Ok(())
    }

    pub async fn abort(mut self: Box<Self>) {
        self.parts.under_way.shutdown().await;
        if let Some(mut multipart) = self.parts.multipart.take() {
            let _ = multipart.abort().await;
        }
    }
}
