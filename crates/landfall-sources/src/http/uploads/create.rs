//! `POST /v1/datasets/{d}/uploads?key=K`: begins an upload, with its first bytes or without.

use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::{Problem, query};
use landfall_catalog::uploads::Upload;
use landfall_model::{Action, Condition, DatasetName, Error, ErrorKind, FileKey, Result, UploadId, limits};
use serde::Deserialize;

use super::append::{Append, append_to};
use super::headers;
use crate::http::Http;
use crate::http::address::AtDataset;
use crate::http::files::{conditions, content_type};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    key: String,
}

/// Begins a resumable upload.
#[utoipa::path(
    post, path = "/v1/datasets/{dataset}/uploads", tag = "land",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("key" = String, Query, description = "The key that the file will have"),
        ("Upload-Complete" = Option<String>, Header, description = "`?1`: this body is all of it; `?0`, or left out: more will come"),
        ("Upload-Length" = Option<u64>, Header, description = "Bytes of the whole, if it is known"),
    ),
    request_body(content_type = "application/octet-stream", description = "The first bytes, or none"),
    responses(
        (status = 201, description = "Begun: `Location` is where to go on; with `Upload-Complete: ?1`, the file is durable", body = crate::http::files::FileReceipt),
        (status = "4XX", description = "Why not", content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    State(http): State<Http>,
    context: Context,
    AtDataset(dataset): AtDataset,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let key = query::<Asked>(&uri)?.key.parse::<FileKey>()?;
    http.0.files.gate.authorize(&context, Action::Land, &dataset, Some(key.as_str()))?;
    http.0.files.definitions.get_open(&dataset)?;
    let (head, body) = request.into_parts();
    let complete = headers::complete(&head.headers)?.unwrap_or(false);
    let upload = begin(&http, &context, dataset, key, &head.headers)?;
    http.0.files.catalog.create_upload(&upload).await?;
    let location = format!("/v1/datasets/{}/uploads/{}", upload.dataset, upload.id);
    let append = Append { head: head.headers, body, complete };
    let mut response = append_to(http, context, upload, append).await.unwrap_or_else(|problem| problem.into_response());
    if let Ok(location) = HeaderValue::from_str(&location) {
        // Also where the first bytes broke off: what came of them is kept, and the client may go on.
        response.headers_mut().insert(LOCATION, location);
    }
    if response.status() == StatusCode::NO_CONTENT {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

fn begin(http: &Http, context: &Context, dataset: DatasetName, key: FileKey, head: &axum::http::HeaderMap) -> Result<Upload> {
    let clock = http.0.files.catalog.clock();
    if conditions::of_change(head)? != Condition::default() {
        let message = "an upload in pieces takes no conditions: the file could change after each of them; put it in one piece";
        return Err(Error::new(ErrorKind::BadRequest, message));
    }
    let length = headers::bytes(head, &headers::LENGTH)?;
    if let Some(length) = length.filter(|length| *length > limits::FILE_BYTES_MAX) {
        let message = format!("the file would have {length} bytes, at most {} are allowed", limits::FILE_BYTES_MAX);
        return Err(Error::new(ErrorKind::BodyTooLarge, message));
    }
    let (created_at, touched_at) = (clock.now(), clock.now());
    Ok(Upload {
        id: UploadId::new(clock),
        dataset,
        key,
        principal: context.principal.to_string(),
        content_type: content_type(head)?,
        length,
        attributes: None,
        received: 0,
        landing: None,
        created_at,
        touched_at,
    })
}
