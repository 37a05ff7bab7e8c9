//! `HEAD /v1/datasets/{d}/uploads/{id}`: how far an upload is.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;

use super::{headers, own};
use crate::http::Http;
use crate::http::address::AtUpload;

/// How far a resumable upload is.
#[utoipa::path(
    head, path = "/v1/datasets/{dataset}/uploads/{id}", tag = "land",
    params(("dataset" = String, Path, description = "The dataset"), ("id" = String, Path, description = "The upload")),
    responses((status = 204, description = "`Upload-Offset` bytes are durable"), (status = 404, description = "There is none"))
)]
pub(crate) async fn head(State(http): State<Http>, context: Context, AtUpload(dataset, id): AtUpload) -> Result<Response, Problem> {
    let upload = own(&http, &context, &dataset, &id).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    headers::standing(response.headers_mut(), upload.received, upload.landing.is_some());
    if let Some(length) = upload.length {
        response.headers_mut().insert(headers::LENGTH, HeaderValue::from(length));
    }
    Ok(response)
}
