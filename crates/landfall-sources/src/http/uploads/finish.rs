//! An upload that is whole becomes one landing: its parts, in order. It may run
//! twice, for a client whose answer was lost; the second finds that content live.

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use landfall_access::Context;
use landfall_catalog::uploads::{Upload, UploadPart};
use landfall_land::{FileReceipt, Put};
use landfall_model::{Error, ErrorKind, Result};
use landfall_store::Store;

use crate::http::Http;

/// Lands the whole of `upload`, of which `received` bytes are durable.
pub(super) async fn land(http: &Http, context: &Context, upload: &Upload, received: u64) -> Result<FileReceipt> {
    if let Some(length) = upload.length.filter(|length| *length != received) {
        let message = format!("the upload was declared with {length} bytes and is said to be complete with {received}; nothing landed");
        return Err(Error::new(ErrorKind::LengthMismatch, message));
    }
    let parts = http.0.files.catalog.upload_parts(&upload.id).await?;
    let objects = parts.iter().map(|part| part.object.clone()).collect::<Vec<_>>();
    let store = http.0.files.store.clone();
    let bytes = stream::iter(parts).then(move |part| part_of(store.clone(), part)).try_flatten();
    let (key, content_type) = (upload.key.clone(), upload.content_type.clone());
    let receipt = http.0.land.file(context, &upload.dataset, Put { content_type, length: Some(received), ..Put::new(key) }, bytes).await?;
    http.0.files.catalog.finish_upload(&upload.id, &receipt.id).await?;
    for object in objects {
        // What stays behind is deleted with the upload itself, a day from now.
        if let Err(error) = http.0.files.store.delete(&object).await {
            tracing::warn!(%error, %object, "a part of a finished upload could not be deleted");
        }
    }
    Ok(receipt)
}

async fn part_of(store: Store, part: UploadPart) -> Result<BoxStream<'static, Result<Bytes>>> {
    store.stream(&part.object, None).await
}

/// What a finished upload became.
pub(super) async fn landed(http: &Http, upload: &Upload) -> Result<Option<FileReceipt>> {
    let Some(id) = &upload.landing else { return Ok(None) };
    let landing = http.0.files.catalog.landing(id).await?;
    let landing = landing.ok_or_else(|| Error::new(ErrorKind::Gone, format!("the upload became the landing {id}, which is gone")))?;
    let size = u64::try_from(landing.size).unwrap_or(0);
    Ok(Some(FileReceipt { id: landing.id, digest: landing.digest, unchanged: true, size }))
}
