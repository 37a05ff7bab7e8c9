//! Replays: a window of a dataset's landings is processed again; begun, listed,
//! shown with their progress, paused, resumed, cancelled.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::{Problem, json};
use landfall_catalog::replays::{Progress, Replay};
use landfall_model::{Action, DatasetName, Error, ErrorKind, ReplayId, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::page::{PageQuery, answer};

/// A replay as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ReplayItem {
    id: String,
    dataset: String,
    /// Landings received from then on, and before.
    from: String,
    to: String,
    /// The side table that it goes into; null: the dataset's own table.
    into: Option<String>,
    /// `running`, `paused`, `done`, `failed` or `cancelled`.
    state: String,
    /// Of the definition that it applies.
    version: i64,
    principal: String,
    /// Why it failed.
    error: Option<String>,
    /// The load that took it into the table.
    load: Option<i64>,
    created_at: String,
    updated_at: String,
    /// Of a replay that is not at its end: input records that are staged, and all of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    staged_records: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<i64>,
}

impl ReplayItem {
    fn of(replay: &Replay) -> ReplayItem {
        ReplayItem {
            id: replay.id.to_string(),
            dataset: replay.dataset.to_string(),
            from: replay.from.to_string(),
            to: replay.to.to_string(),
            into: replay.into.as_ref().map(DatasetName::to_string),
            state: replay.state.clone(),
            version: replay.version,
            principal: replay.principal.clone(),
            error: replay.error.clone(),
            load: replay.load.filter(|_| replay.state == "done"),
            created_at: replay.created_at.to_string(),
            updated_at: replay.updated_at.to_string(),
            staged_records: None,
            records: None,
        }
    }

    fn with(self, progress: Progress) -> ReplayItem {
        ReplayItem { staged_records: Some(progress.staged), records: Some(progress.all), ..self }
    }
}

/// What shall be processed again.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReplay {
    /// Landings received from then on (RFC 3339, or a day); all of them if left out.
    #[serde(default)]
    from: Option<String>,
    /// And before; now if left out.
    #[serde(default)]
    to: Option<String>,
    /// A name for a side table to put it into, beside the dataset's own table, which then stays as it is.
    #[serde(default)]
    into: Option<String>,
}

fn moment(text: Option<&str>, or: Timestamp) -> Result<Timestamp> {
    text.map_or(Ok(or), |text| text.parse())
}

/// Processes landings again with the definition of today. The table changes in one load when all of the window is staged; with
/// `into`, a side table is made instead.
#[utoipa::path(
    post, path = "/v1/datasets/{dataset}/replay", tag = "change", request_body = NewReplay,
    params(("dataset" = String, Path, description = "The dataset")),
    responses(
        (status = 202, description = "It runs", body = ReplayItem),
        (status = 409, description = "Another one of the dataset is not at its end, or the name for the side table is taken", content_type = "application/problem+json"),
    )
)]
pub async fn begin(
    State(control): State<Control>,
    context: Context,
    Path(dataset): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let dataset: DatasetName = dataset.parse()?;
    control.0.gate.authorize(&context, Action::Replay, &dataset, None)?;
    control.0.definitions.get_open(&dataset)?;
    let new: NewReplay = json(request, "{\"from\", \"to\", \"into\"}", &control.0.budget).await?;
    let now = control.0.catalog.clock().now();
    let (from, to) = (moment(new.from.as_deref(), Timestamp(0))?, moment(new.to.as_deref(), now)?);
    if from >= to {
        let message = format!("the window is empty: it begins at {from} and ends at {to}");
        return Err(Error::new(ErrorKind::BadRequest, message).into());
    }
    let into = new.into.map(|name| name.parse::<DatasetName>()).transpose()?;
    let principal = context.principal.to_string();
    let replay = control.0.catalog.begin_replay_into(&dataset, into.as_ref(), from, to, &principal).await?;
    Ok((StatusCode::ACCEPTED, Json(shown(&control, &replay).await?)).into_response())
}

/// With its progress while it is not at its end.
async fn shown(control: &Control, replay: &Replay) -> Result<ReplayItem> {
    let item = ReplayItem::of(replay);
    if !matches!(replay.state.as_str(), "running" | "paused") {
        return Ok(item);
    }
    Ok(item.with(control.0.catalog.replay_progress(replay).await?))
}

/// Replays, newest first.
#[utoipa::path(get, path = "/v1/replays", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let replays = control.0.catalog.list_replays(&page).await?;
    Ok(answer(&replays, page.limit, |replay| replay.id.to_string(), ReplayItem::of))
}

/// The replay of that id, if the caller may do `action` to its dataset.
async fn find(control: &Control, context: &Context, id: &str, action: Action) -> Result<Replay> {
    let id: ReplayId = id.parse()?;
    let replay = control.0.catalog.replay(&id).await?;
    control.0.gate.authorize(context, action, &replay.dataset, None)?;
    Ok(replay)
}

/// One replay with its progress.
#[utoipa::path(get, path = "/v1/replays/{id}", tag = "show", params(("id" = String, Path, description = "`rpl_...`")),
    responses((status = 200, description = "The replay", body = ReplayItem)))]
pub async fn get(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Json<ReplayItem>, Problem> {
    let replay = find(&control, &context, &id, Action::Query).await?;
    Ok(Json(shown(&control, &replay).await?))
}

/// Lets a replay rest: what is staged stays so.
#[utoipa::path(post, path = "/v1/replays/{id}/pause", tag = "change", params(("id" = String, Path, description = "`rpl_...`")),
    responses((status = 200, description = "It rests", body = ReplayItem)))]
pub async fn pause(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Json<ReplayItem>, Problem> {
    let replay = find(&control, &context, &id, Action::Replay).await?;
    let paused = control.0.catalog.pause_replay(&replay.id).await?;
    Ok(Json(shown(&control, &paused).await?))
}

/// Lets a replay go on from where it was.
#[utoipa::path(post, path = "/v1/replays/{id}/resume", tag = "change", params(("id" = String, Path, description = "`rpl_...`")),
    responses((status = 200, description = "It runs", body = ReplayItem)))]
pub async fn resume(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Json<ReplayItem>, Problem> {
    let replay = find(&control, &context, &id, Action::Replay).await?;
    let resumed = control.0.catalog.resume_replay(&replay.id).await?;
    Ok(Json(shown(&control, &resumed).await?))
}

/// Gives a replay up: the table stays as it is.
#[utoipa::path(post, path = "/v1/replays/{id}/cancel", tag = "change", params(("id" = String, Path, description = "`rpl_...`")),
    responses((status = 200, description = "It is given up", body = ReplayItem)))]
pub async fn cancel(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Json<ReplayItem>, Problem> {
    let replay = find(&control, &context, &id, Action::Replay).await?;
    let cancelled = control.0.catalog.cancel_replay(&replay.id).await?;
    Ok(Json(ReplayItem::of(&cancelled)))
}
