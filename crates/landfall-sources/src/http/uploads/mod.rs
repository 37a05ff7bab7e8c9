//! Resumable uploads, after draft-ietf-httpbis-resumable-upload: what has come
//! of a file is durable in parts, a client that lost its connection asks how
//! far it got and goes on there, and the whole becomes one landing. A part is
//! acknowledged only once it is durable; the offset is the compare-and-set
//! between two clients that go on with the same upload.

pub(super) mod append;
pub(super) mod create;
pub(super) mod delete;
mod finish;
mod headers;
mod parts;
pub(super) mod show;

use landfall_access::Context;
use landfall_catalog::uploads::Upload;
use landfall_model::{Action, DatasetName, Error, ErrorKind, Result, UploadId};

use crate::http::Http;

/// The upload, if it is the caller's own and the caller may still land there. Another's is as if there were none.
async fn own(http: &Http, context: &Context, dataset: &DatasetName, id: &UploadId) -> Result<Upload> {
    let found = http
        .0
        .files
        .catalog
        .upload(id)
        .await?
        .filter(|upload| upload.dataset == *dataset && upload.principal == context.principal.to_string());
    let upload = found.ok_or_else(|| {
        let message =
            format!("there is no upload `{id}` of yours in the dataset `{dataset}`: it may have been swept after a day; begin a new one");
        Error::new(ErrorKind::NotFound, message)
    })?;
    http.0.files.gate.authorize(context, Action::Land, dataset, Some(upload.key.as_str()))?;
    Ok(upload)
}
