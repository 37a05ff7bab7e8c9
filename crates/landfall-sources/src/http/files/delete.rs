//! `DELETE` of a file: it leaves the dataset, and its rows the table.

use axum::extract::State;
use axum::http::StatusCode;
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_model::{DatasetName, Error, ErrorKind, FileKey};

use crate::http::Http;
use crate::http::address::AtFile;

/// Takes the file out of the dataset; its rows leave the table with the next load.
#[utoipa::path(
    delete, path = "/v1/datasets/{dataset}/files/{*key}", tag = "files",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("key" = String, Path, description = "The key, percent-encoded; it may hold `/`"),
    ),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There was none", content_type = "application/problem+json"))
)]
pub(crate) async fn delete(State(http): State<Http>, context: Context, AtFile(dataset, key): AtFile) -> Result<StatusCode, Problem> {
    match http.0.land.delete(&context, &dataset, &key).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem(no_file(&dataset, &key))),
    }
}

pub(super) fn no_file(dataset: &DatasetName, key: &FileKey) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no file `{key}` in the dataset `{dataset}`"))
}
