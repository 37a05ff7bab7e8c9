//! Events: checked, framed one a line, and handed to the next group commit.

use bytes::Bytes;
use landfall_access::Context;
use landfall_model::{Action, DatasetName, Error, ErrorKind, Result, limits};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::group::{self, Idempotency, Waiting};
use crate::{Land, Receipt};

impl Land {
    /// Lands the events of one body: one JSON object, an array of them, or NDJSON. All of it or nothing; durable when it
    /// returns. A repeated `idempotency` key with the same body gives the first receipt again, with another body it is an
    /// `IdempotencyMismatch`.
    pub async fn events(&self, context: &Context, dataset: &DatasetName, body: Bytes, idempotency: Option<&str>) -> Result<Receipt> {
        let inner = self.open()?;
        inner.gate.authorize(context, Action::Land, dataset, None)?;
        inner.definitions.get_open(dataset)?;
        if body.len() > limits::EVENTS_BODY_BYTES_MAX {
            return Err(too_large(body.len()));
        }
        let idempotency = idempotency.map(|key| idempotency_of(key, &body)).transpose()?;
        let events = landfall_decode::events(body)?;
        if events.count == 0 {
            return Err(Error::new(
                ErrorKind::BadRequest,
                "the body holds no event: send one JSON object, an array of them, or one a line",
            ));
        }
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            dataset: dataset.clone(),
            source: context.source,
            principal: context.principal.clone(),
            ndjson: events.ndjson,
            count: i64::try_from(events.count).unwrap_or(i64::MAX),
            idempotency,
            answer,
        };
        group::enqueue(&self.0, waiting)?;
        answered.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unavailable, "the catalog was closed before this could be committed")))
    }
}

fn too_large(bytes: usize) -> Error {
    let message = format!(
        "the body has {bytes} bytes, at most {} are taken as events: send several bodies, or put a file",
        limits::EVENTS_BODY_BYTES_MAX
    );
    Error::new(ErrorKind::BodyTooLarge, message)
}

fn idempotency_of(key: &str, body: &Bytes) -> Result<Idempotency> {
    if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX {
        let message = format!("an Idempotency-Key has 1 to {} bytes, this one has {}", limits::IDEMPOTENCY_KEY_BYTES_MAX, key.len());
        return Err(Error::new(ErrorKind::BadRequest, message));
    }
    Ok(Idempotency { key: key.to_owned(), digest: hex::encode(Sha256::digest(body)) })
}
