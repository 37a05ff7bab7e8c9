//! `GET /v1/jobs`.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::lists::JobRecord;
use serde::Serialize;

use crate::control::Control;
use crate::page::{PageQuery, answer};

/// A job as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct JobItem {
    id: String,
    kind: String,
    dataset: String,
    landing: String,
    /// `ready`, `leased`, `done` or `dead`.
    state: String,
    attempts: i64,
    owner: Option<String>,
    run_at: String,
    error: Option<String>,
    created_at: String,
    updated_at: String,
}

impl JobItem {
    pub fn of(job: &JobRecord) -> JobItem {
        JobItem {
            id: job.id.clone(),
            kind: job.kind.clone(),
            dataset: job.dataset.clone(),
            landing: job.landing.clone(),
            state: job.state.clone(),
            attempts: job.attempts,
            owner: job.owner.clone(),
            run_at: job.run_at.to_string(),
            error: job.error.clone(),
            created_at: job.created_at.to_string(),
            updated_at: job.updated_at.to_string(),
        }
    }
}

/// Jobs, newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let jobs = control.0.catalog.list_jobs(&page).await?;
    Ok(answer(&jobs, page.limit, |job| job.id.clone(), JobItem::of))
}
