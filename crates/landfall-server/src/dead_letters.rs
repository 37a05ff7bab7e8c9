//! Dead letters: listed, shown, tried again, dropped.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::dead_letters::DeadLetter;
use landfall_model::{Action, Error, ErrorKind, LandingId, Result};
use serde::Serialize;

use crate::control::Control;
use crate::page::{PageQuery, answer};

/// A dead letter as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DeadLetterItem {
    /// The landing's.
    id: String,
    dataset: String,
    landing: String,
    key: Option<String>,
    /// A stable code, as in problem documents.
    code: String,
    reason: String,
    line: Option<u64>,
    byte_offset: Option<u64>,
    /// Bytes of the landing.
    size: i64,
    /// `open` or `dropped`.
    state: &'static str,
    received_at: String,
    died_at: String,
}

impl DeadLetterItem {
    pub fn of(letter: &DeadLetter) -> DeadLetterItem {
        DeadLetterItem {
            id: letter.landing.id.to_string(),
            dataset: letter.landing.dataset.to_string(),
            landing: letter.landing.id.to_string(),
            key: letter.landing.key.as_ref().map(ToString::to_string),
            code: letter.code.clone(),
            reason: letter.reason.clone(),
            line: letter.line,
            byte_offset: letter.byte_offset,
            size: letter.landing.size,
            state: if letter.dropped { "dropped" } else { "open" },
            received_at: letter.landing.received_at.to_string(),
            died_at: letter.created_at.to_string(),
        }
    }
}

/// Open dead letters, newest first.
#[utoipa::path(get, path = "/v1/dead-letters", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let letters = control.0.catalog.list_dead_letters(&page).await?;
    Ok(answer(&letters, page.limit, |letter| letter.landing.id.to_string(), DeadLetterItem::of))
}

/// The dead letter of that id, if the caller may do `action` to its dataset.
async fn find(control: &Control, context: &Context, id: &str, action: Action) -> Result<(LandingId, DeadLetter)> {
    let id: LandingId = id.parse()?;
    let letter = control.0.catalog.dead_letter(&id).await?;
    let letter = letter.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no dead letter `{id}`")))?;
    control.0.gate.authorize(context, action, &letter.landing.dataset, None)?;
    Ok((id, letter))
}

/// One dead letter with its reason.
#[utoipa::path(get, path = "/v1/dead-letters/{id}", tag = "show", params(("id" = String, Path, description = "`lnd_...`")),
    responses((status = 200, description = "The dead letter", body = DeadLetterItem)))]
pub async fn get(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Json<DeadLetterItem>, Problem> {
    let (_, letter) = find(&control, &context, &id, Action::Query).await?;
    Ok(Json(DeadLetterItem::of(&letter)))
}

/// Puts the landing to work again.
#[utoipa::path(post, path = "/v1/dead-letters/{id}/retry", tag = "change", params(("id" = String, Path, description = "`lnd_...`")),
    responses((status = 202, description = "The id of its new job")))]
pub async fn retry(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    let (id, _) = find(&control, &context, &id, Action::Administer).await?;
    let job = control.0.catalog.retry_dead_letter(&id, control.0.catalog.clock()).await?;
    let body = serde_json::json!({ "id": id, "job": job, "status": format!("/v1/status/{job}") });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// Gives the landing up: its records count as discarded from now on.
#[utoipa::path(post, path = "/v1/dead-letters/{id}/drop", tag = "change", params(("id" = String, Path, description = "`lnd_...`")),
    responses((status = 200, description = "It was dropped")))]
pub async fn drop_it(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    let (id, _) = find(&control, &context, &id, Action::Administer).await?;
    control.0.catalog.drop_dead_letter(&id).await?;
    Ok(Json(serde_json::json!({ "id": id, "state": "dropped" })).into_response())
}
