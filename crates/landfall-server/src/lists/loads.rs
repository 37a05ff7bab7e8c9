//! `GET /v1/loads`.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::lists::LoadRecord;
use serde::Serialize;

use crate::control::Control;
use crate::page::{PageQuery, answer};

/// A load as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LoadItem {
    dataset: String,
    sink: String,
    number: i64,
    /// `open` or `done`.
    state: String,
    records: i64,
    rows: i64,
    /// Manifests that went in.
    manifests: i64,
    /// Landings whose rows went out.
    removals: i64,
    numbered_at: String,
    committed_at: Option<String>,
    table_version: Option<i64>,
}

impl LoadItem {
    pub fn of(load: &LoadRecord) -> LoadItem {
        LoadItem {
            dataset: load.dataset.clone(),
            sink: load.sink.clone(),
            number: load.number,
            state: load.state.clone(),
            records: load.records,
            rows: load.rows,
            manifests: load.manifests,
            removals: load.removals,
            numbered_at: load.numbered_at.to_string(),
            committed_at: load.committed_at.map(|at| at.to_string()),
            table_version: load.table_version,
        }
    }
}

/// Loads by dataset, newest first.
#[utoipa::path(get, path = "/v1/loads", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let loads = control.0.catalog.list_loads(&page).await?;
    Ok(answer(&loads, page.limit, |load| format!("{}/{}", load.dataset, load.number), LoadItem::of))
}
