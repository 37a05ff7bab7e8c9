//! `DELETE /v1/tables/{name}`: drops a side table.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_model::{Action, DatasetName, Result, limits};
use landfall_store::keys;

use crate::control::Control;

/// A query that reads the table goes on for so long at the most.
const READ_MAX: Duration = Duration::from_secs(limits::QUERY_TIMEOUT.as_secs() + 60);

/// Drops a table that a replay has made beside a dataset's own. Nothing is known of it at once; its files are deleted when no
/// query can be reading them.
#[utoipa::path(
    delete, path = "/v1/tables/{name}", tag = "change",
    params(("name" = String, Path, description = "The side table")),
    responses(
        (status = 204, description = "It is dropped"),
        (status = 409, description = "It is no side table, or a replay is on its way into it", content_type = "application/problem+json"),
    )
)]
pub async fn drop_it(State(control): State<Control>, context: Context, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let name: DatasetName = name.parse()?;
    control.0.gate.authorize(&context, Action::Administer, &name, None)?;
    let (catalog, of) = (&control.0.catalog, name.clone());
    let unread_from = catalog.clock().now().plus(READ_MAX);
    catalog.drop_side_table(&name, move |beside| format!("{}/", keys::side_table_root(&of, &beside.made_by)), unread_from).await?;
    Ok(StatusCode::NO_CONTENT)
}
