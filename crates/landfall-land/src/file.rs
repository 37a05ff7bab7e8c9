//! Files: streamed to the store while they are hashed, or kept inline if they
//! are small, and recorded with their job in one transaction.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use landfall_access::Context;
use landfall_catalog::Topic;
use landfall_catalog::files::{FileLanded, NewFile};
use landfall_model::{
    Action, BodyPlace, Condition, DatasetName, Error, ErrorKind, FileKey, JobId, Kind, Landing, LandingId, LandingState, Phase, Result,
    crash, limits,
};
use landfall_store::keys;
use sha2::{Digest, Sha256};

use crate::receipt::count_received;
use crate::{FileReceipt, Inner, Land};

/// The bytes of a file that is durable (or small enough to become so with the catalog).
struct Received {
    digest: String,
    size: u64,
    place: BodyPlace,
    inline: Option<Bytes>,
}

/// What is to land, but for its bytes.
#[derive(Clone, Debug)]
pub struct Put {
    pub key: FileKey,
    /// As the sender says.
    pub content_type: Option<String>,
    /// Bytes that were declared; with another number of them nothing lands.
    pub length: Option<u64>,
    /// On what is live under the key when all of it has come.
    pub condition: Condition,
    /// What its sender says of it beside its type: a document of the door, kept as it is.
    pub attributes: Option<String>,
}

impl Put {
    /// Whatever comes, and whatever is there.
    pub fn new(key: FileKey) -> Put {
        Put { key, content_type: None, length: None, condition: Condition::default(), attributes: None }
    }
}

/// Where a large file goes.
struct Place<'a> {
    dataset: &'a DatasetName,
    landing: &'a LandingId,
    key: String,
}

impl Land {
    /// Lands one file; durable when it returns. If the stream fails or is shorter or longer than declared, nothing lands.
    /// Memory stays below `INLINE_BYTES_MAX` and the store's own buffers.
    pub async fn file(
        &self,
        context: &Context,
        dataset: &DatasetName,
        put: Put,
        body: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<FileReceipt> {
        let (inner, Put { key, content_type, length, condition, attributes }) = (self.open()?, put);
        inner.gate.authorize(context, Action::Land, dataset, Some(key.as_str()))?;
        inner.definitions.get_open(dataset)?;
        let id = LandingId::new(&inner.clock);
        let object = Place { dataset, landing: &id, key: keys::landing(dataset, &id, inner.clock.now()) };
        let received = inner.receive(&object, length, body).await?;
        crash::point("file.stored");
        let landing = Landing {
            id,
            dataset: dataset.clone(),
            region: inner.region.clone(),
            kind: Kind::File,
            source: context.source,
            principal: context.principal.clone(),
            key: Some(key.clone()),
            generation: 0,
            content_type,
            digest: received.digest,
            size: i64::try_from(received.size).unwrap_or(i64::MAX),
            // A file is received when all of it is.
            received_at: inner.clock.now(),
            first_seq: 0,
            records: 1,
            body: received.place,
            state: LandingState::Live,
            phase: Phase::Received,
            merged: None,
        };
        let file = NewFile { landing, key, condition, attributes, body: received.inline, job: JobId::new(&inner.clock) };
        inner.record(file).await
    }

    /// Takes the file under `key` out of the dataset, and its rows out of the table with the next load; false if there is none.
    pub async fn delete(&self, context: &Context, dataset: &DatasetName, key: &FileKey, condition: &Condition) -> Result<bool> {
        let inner = self.open()?;
        inner.gate.authorize(context, Action::Delete, dataset, Some(key.as_str()))?;
        inner.definitions.get(dataset)?;
        Ok(inner.catalog.delete_file(dataset, key, condition).await?.is_some())
    }
}

impl Inner {
    async fn receive(&self, object: &Place<'_>, expected: Option<u64>, body: impl Stream<Item = Result<Bytes>> + Send) -> Result<Received> {
        futures::pin_mut!(body);
        let mut small = BytesMut::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            if small.len() + chunk.len() > limits::INLINE_BYTES_MAX {
                return self.stream(object, expected, small.freeze(), chunk, body).await;
            }
            small.extend_from_slice(&chunk);
        }
        let bytes = small.freeze();
        let size = bytes.len() as u64;
        check_length(expected, size)?;
        Ok(Received { digest: hex::encode(Sha256::digest(&bytes)), size, place: BodyPlace::Inline, inline: Some(bytes) })
    }

    /// The file is large: what has arrived, the chunk that made it so, and the rest go to the store.
    async fn stream(
        &self,
        object: &Place<'_>,
        expected: Option<u64>,
        head: Bytes,
        chunk: Bytes,
        mut rest: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<Received> {
        // Registered first, so that bytes whose landing is never recorded are known and swept.
        self.catalog.register_paths(object.dataset, object.landing.as_str(), vec![object.key.clone()]).await?;
        let mut upload = self.store.upload(&object.key).await?;
        let mut size = (head.len() + chunk.len()) as u64;
        upload.write(head).await?;
        upload.write(chunk).await?;
        while let Some(chunk) = rest.next().await {
            let chunk = chunk?;
            size += chunk.len() as u64;
            if size > limits::FILE_BYTES_MAX {
                let message = format!("the file has more than {} bytes, which is the most that is taken", limits::FILE_BYTES_MAX);
                return Err(Error::new(ErrorKind::BodyTooLarge, message));
            }
            upload.write(chunk).await?;
        }
        check_length(expected, size)?;
        let stored = upload.finish().await?;
        let place = BodyPlace::Object { key: object.key.clone(), offset: 0, length: stored.size };
        Ok(Received { digest: stored.digest, size: stored.size, place, inline: None })
    }

    /// Names the bytes in the catalog. What lands nothing leaves nothing behind in the store.
    async fn record(&self, file: NewFile) -> Result<FileReceipt> {
        let landing = file.landing.clone();
        let outcome = self.catalog.land_file(file).await;
        let outcome = match outcome {
            // The answer of the commit may have been lost: the landing's id tells.
            Err(error) if error.kind == ErrorKind::Unavailable => match self.catalog.recorded(vec![landing.id.clone()]).await {
                Ok(found) if !found.is_empty() => Ok(FileLanded::New { generation: 0 }),
                _ => return Err(error),
            },
            other => other,
        };
        let size = u64::try_from(landing.size).unwrap_or(0);
        match outcome {
            Ok(FileLanded::New { .. }) => {
                count_received(&landing);
                self.catalog.wake(Topic::Work);
                Ok(FileReceipt { id: landing.id, digest: landing.digest, size, unchanged: false })
            }
            Ok(FileLanded::Unchanged(current)) => {
                self.forget(&landing).await;
                Ok(FileReceipt { id: current.id, digest: current.digest, size, unchanged: true })
            }
            Err(error) => {
                self.forget(&landing).await;
                Err(error)
            }
        }
    }

    async fn forget(&self, landing: &Landing) {
        if let BodyPlace::Object { key, .. } = &landing.body
            && let Err(error) = self.store.delete(key).await
        {
            tracing::warn!(%error, object = %key, "bytes that nothing names could not be deleted");
        }
    }
}

fn check_length(expected: Option<u64>, size: u64) -> Result<()> {
    match expected {
        Some(expected) if expected != size => {
            let message = format!("the body has {size} bytes and was declared with {expected}; nothing was stored");
            Err(Error::new(ErrorKind::LengthMismatch, message))
        }
        _ => Ok(()),
    }
}
