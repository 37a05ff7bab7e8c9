//! `GET` and `HEAD` of a file: the bytes that landed, with ranges and conditions.

use std::ops::Range;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_RANGE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::landings;
use landfall_model::{Action, BodyPlace, DatasetName, Error, ErrorKind, FileKey, Landing, Result};

use super::head::{Head, head as head_of};
use crate::http::Http;
use crate::http::address::AtFile;

/// The file as it landed.
#[utoipa::path(
    get, path = "/v1/datasets/{dataset}/files/{*key}", tag = "files",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("key" = String, Path, description = "The key, percent-encoded; it may hold `/`"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream"),
        (status = 206, description = "The range of it", content_type = "application/octet-stream"),
        (status = 304, description = "The client has it"),
        (status = 404, description = "There is none", content_type = "application/problem+json"),
        (status = 416, description = "The range has no byte of it", content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get(
    State(http): State<Http>,
    context: Context,
    AtFile(dataset, key): AtFile,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let landing = live(&http, &context, &dataset, &key).await?;
    let Head { status, headers, range } = match head_of(&request, &landing) {
        Ok(head) => head,
        Err(error) => return Ok(refused(error, &landing)),
    };
    let body = match range {
        Some(range) => body(&http, &landing, range).await?,
        None => Body::empty(),
    };
    Ok((status, headers, body).into_response())
}

/// What `GET` would answer, without the bytes.
#[utoipa::path(
    head, path = "/v1/datasets/{dataset}/files/{*key}", tag = "files",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("key" = String, Path, description = "The key, percent-encoded; it may hold `/`"),
    ),
    responses((status = 200, description = "The head of the file's answer"), (status = 404, description = "There is none"))
)]
pub(crate) async fn head(
    State(http): State<Http>,
    context: Context,
    AtFile(dataset, key): AtFile,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let landing = live(&http, &context, &dataset, &key).await?;
    Ok(match head_of(&request, &landing) {
        Ok(Head { status, headers, .. }) => (status, headers).into_response(),
        Err(error) => refused(error, &landing),
    })
}

async fn live(http: &Http, context: &Context, dataset: &DatasetName, key: &FileKey) -> Result<Landing> {
    http.0.gate.authorize(context, Action::Read, dataset, Some(key.as_str()))?;
    http.0.definitions.get(dataset)?;
    let found = http.0.catalog.live_file(dataset, key).await?;
    found.ok_or_else(|| super::delete::no_file(dataset, key))
}

fn refused(error: Error, landing: &Landing) -> Response {
    let size = (error.kind == ErrorKind::RangeNotSatisfiable).then(|| HeaderValue::from_str(&format!("bytes */{}", landing.size)));
    let mut response = Problem(error).into_response();
    if let Some(Ok(size)) = size {
        response.headers_mut().insert(CONTENT_RANGE, size);
    }
    response
}

async fn body(http: &Http, landing: &Landing, range: Range<u64>) -> Result<Body> {
    let (key, offset) = match &landing.body {
        BodyPlace::Object { key, offset, .. } => (key.clone(), *offset),
        BodyPlace::Inline => match http.0.catalog.body(&landing.id).await? {
            Some(landings::Body::Object { key, offset, .. }) => (key, offset),
            Some(landings::Body::Bytes(whole)) => {
                let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(whole.len());
                return Ok(Body::from(whole.slice(at(range.start)..at(range.end))));
            }
            None => return Err(Error::new(ErrorKind::Gone, "the file was removed while it was asked for: ask again")),
        },
    };
    let bytes = http.0.store.stream(&key, Some(range.start + offset..range.end + offset)).await?;
    Ok(Body::from_stream(bytes))
}
