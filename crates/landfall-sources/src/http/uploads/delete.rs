//! `DELETE /v1/datasets/{d}/uploads/{id}`: gives an upload up.

use axum::extract::State;
use axum::http::StatusCode;
use landfall_access::Context;
use landfall_access::http::Problem;

use super::own;
use crate::http::Http;
use crate::http::address::AtUpload;

/// Gives a resumable upload up; what it became, if it is complete, stays.
#[utoipa::path(
    delete, path = "/v1/datasets/{dataset}/uploads/{id}", tag = "land",
    params(("dataset" = String, Path, description = "The dataset"), ("id" = String, Path, description = "The upload")),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is none"))
)]
pub(crate) async fn delete(State(http): State<Http>, context: Context, AtUpload(dataset, id): AtUpload) -> Result<StatusCode, Problem> {
    let upload = own(&http, &context, &dataset, &id).await?;
    // Parts first: as long as the upload is there, another try knows their names.
    for part in http.0.files.catalog.upload_parts(&upload.id).await? {
        http.0.files.store.delete(&part.object).await?;
    }
    http.0.files.catalog.delete_upload(&upload.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
