//! Taking one part: into the store, then into the catalog, then acknowledged.

use futures::StreamExt;
use landfall_access::http::body::BodyReader;
use landfall_catalog::uploads::{Upload, UploadPart};
use landfall_model::{Error, ErrorKind, Result, UploadId, limits};
use landfall_store::keys;

use crate::http::Http;

/// How far the upload is now, and what broke the body off, if anything did. What had come before that is kept.
pub(super) struct Taken {
    pub received: u64,
    pub broken: Option<Error>,
}

/// Takes `body` as the next bytes of `upload`.
pub(super) async fn take(http: &Http, upload: &Upload, mut body: BodyReader) -> Result<Taken> {
    // Two clients may send different bytes for one offset, and each writes an object of its own; the catalog takes one.
    let object = keys::upload_part(&UploadId::new(http.0.files.catalog.clock()), upload.received);
    let mut part = None;
    let mut broken = None;
    while let Some(frame) = body.next().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) => {
                broken = Some(error);
                break;
            }
        };
        let writing = match &mut part {
            Some(writing) => writing,
            none => {
                // Registered first, so that a part that is never named is known and swept.
                http.0.files.catalog.register_paths(&upload.dataset, &object, vec![object.clone()]).await?;
                none.insert(http.0.files.store.upload(&object).await?)
            }
        };
        writing.write(frame).await?;
    }
    let Some(part) = part else { return Ok(Taken { received: upload.received, broken }) };
    if broken.as_ref().is_some_and(|error| error.kind == ErrorKind::BodyTooLarge) {
        part.abort().await;
        return Ok(Taken { received: upload.received, broken });
    }
    let length = part.finish().await?.size;
    let named = name(http, upload, UploadPart { offset: upload.received, length, object: object.clone() }).await;
    if let Err(error) = named {
        http.0.files.store.delete(&object).await?;
        return Err(error);
    }
    Ok(Taken { received: upload.received + length, broken })
}

async fn name(http: &Http, upload: &Upload, part: UploadPart) -> Result<()> {
    if part.length < limits::UPLOAD_PART_BYTES
        && http.0.files.catalog.upload_parts(&upload.id).await?.len() >= limits::UPLOAD_SMALL_PARTS_MAX
    {
        let message = format!(
            "an upload has at most {} parts of less than {} bytes: send larger ones",
            limits::UPLOAD_SMALL_PARTS_MAX,
            limits::UPLOAD_PART_BYTES
        );
        return Err(Error::new(ErrorKind::BadRequest, message));
    }
    http.0.files.catalog.append_upload(&upload.id, part).await
}
