//! `DELETE` of a file: it leaves the dataset, and its rows the table.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use landfall_access::Context;
use landfall_access::http::Problem;

use super::conditions;
use crate::files::no_file;
use crate::http::Http;
use crate::http::address::AtFile;

/// Takes the file out of the dataset; its rows leave the table with the next load.
#[utoipa::path(
    delete, path = "/v1/datasets/{dataset}/files/{*key}", tag = "files",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("key" = String, Path, description = "The key, percent-encoded; it may hold `/`"),
        ("If-Match" = Option<String>, Header, description = "Entity tags, one of which the file must have"),
    ),
    responses((status = 204, description = "It is gone"), (status = 412, description = "A condition does not hold"), (status = 404, description = "There was none", content_type = "application/problem+json"))
)]
pub(crate) async fn delete(
    State(http): State<Http>,
    context: Context,
    AtFile(dataset, key): AtFile,
    request: HeaderMap,
) -> Result<StatusCode, Problem> {
    match http.0.land.delete(&context, &dataset, &key, &conditions::of_change(&request)?).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem(no_file(&dataset, &key))),
    }
}
