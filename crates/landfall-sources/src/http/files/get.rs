//! `GET` and `HEAD` of a file: the bytes that landed, with ranges and conditions.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_RANGE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_model::{Error, ErrorKind, Landing};

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
    let landing = http.0.files.live(&context, &dataset, &key).await?;
    let Head { status, headers, range } = match head_of(&request, &landing) {
        Ok(head) => head,
        Err(error) => return Ok(refused(error, &landing)),
    };
    let body = match range {
        Some(range) => Body::from_stream(http.0.files.read(&landing, range).await?),
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
    let landing = http.0.files.live(&context, &dataset, &key).await?;
    Ok(match head_of(&request, &landing) {
        Ok(Head { status, headers, .. }) => (status, headers).into_response(),
        Err(error) => refused(error, &landing),
    })
}

fn refused(error: Error, landing: &Landing) -> Response {
    let size = (error.kind == ErrorKind::RangeNotSatisfiable).then(|| HeaderValue::from_str(&format!("bytes */{}", landing.size)));
    let mut response = Problem(error).into_response();
    if let Some(Ok(size)) = size {
        response.headers_mut().insert(CONTENT_RANGE, size);
    }
    response
}
