//! Schedules and their runs: what fires when, what became of each window, what
//! landed late; and windows that are asked for again, or for the first time.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use landfall_access::http::{Problem, json, page_limit, query};
use landfall_access::{Context, Decision};
use landfall_catalog::lists::Page;
use landfall_model::{Action, DatasetName, Error, ErrorKind, Result, RunId, Timestamp, Window, limits};
use landfall_schedules::Calendar;
use landfall_schedules::runs::Run;
use landfall_schedules::schedules::ScheduleRecord;
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::page::{Items, answer};

/// A schedule as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ScheduleItem {
    name: String,
    cron: String,
    timezone: String,
    sql: String,
    /// The dataset that its answers land in.
    into: String,
    /// How far a window reaches back; to the one before where this is null.
    window: Option<String>,
    /// True where the configuration no longer declares it.
    detached: bool,
    /// When it fires next.
    next_at: Option<String>,
    /// The newest of its runs that has begun.
    last_run: Option<RunItem>,
    /// The end of the oldest window that is not answered yet.
    waiting_since: Option<String>,
}

/// A run as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RunItem {
    id: String,
    schedule: String,
    /// Landings received from then on, and before.
    from: String,
    to: String,
    /// `waiting`, `running`, `landed`, `done` or `failed`.
    state: String,
    /// True where somebody asked for it.
    backfill: bool,
    principal: String,
    attempts: i64,
    dataset: String,
    key: Option<String>,
    /// The landing that holds its answer.
    landing: Option<String>,
    rows: Option<i64>,
    rejected: Option<i64>,
    /// Landings of the window that came after it was answered.
    late: i64,
    /// Why it failed, or what it waits for.
    error: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
    /// Those landings, of one run that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_landings: Option<Vec<LateItem>>,
}

/// A landing that came late.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LateItem {
    landing: String,
    dataset: String,
    received_at: String,
    found_at: String,
}

impl RunItem {
    fn of(run: &Run) -> RunItem {
        RunItem {
            id: run.id.to_string(),
            schedule: run.schedule.to_string(),
            from: run.window.from.to_string(),
            to: run.window.to.to_string(),
            state: run.state.clone(),
            backfill: run.backfill,
            principal: run.principal.clone(),
            attempts: run.attempts,
            dataset: run.dataset.to_string(),
            key: run.key.as_ref().map(ToString::to_string),
            landing: run.landing.as_ref().map(ToString::to_string),
            rows: run.rows,
            rejected: run.rejected,
            late: run.late,
            error: run.error.clone(),
            started_at: run.started_at.map(|at| at.to_string()),
            finished_at: run.finished_at.map(|at| at.to_string()),
            late_landings: None,
        }
    }
}

async fn shown(control: &Control, record: &ScheduleRecord, waiting: &[(DatasetName, Timestamp)]) -> Result<ScheduleItem> {
    let (definition, schedules) = (&record.definition, &control.0.schedules);
    let newest = Page { dataset: None, after: None, limit: 100 };
    let runs = schedules.list_runs(Some(&definition.name), &newest).await?;
    let last = runs.iter().filter(|run| run.started_at.is_some()).max_by_key(|run| run.started_at);
    let next =
        Calendar::of(definition).ok().filter(|_| !record.detached).and_then(|calendar| calendar.next(control.0.catalog.clock().now()));
    Ok(ScheduleItem {
        name: definition.name.to_string(),
        cron: definition.cron.clone(),
        timezone: definition.timezone.clone(),
        sql: definition.sql.clone(),
        into: definition.into.to_string(),
        window: definition.window.map(|span| span.to_string()),
        detached: record.detached,
        next_at: next.map(|at| at.to_string()),
        last_run: last.map(RunItem::of),
        waiting_since: waiting.iter().find(|(name, _)| *name == definition.name).map(|(_, at)| at.to_string()),
    })
}

fn may(control: &Control, context: &Context, into: &DatasetName) -> bool {
    context.admin || control.0.gate.decide(context, Action::Query, Some(into), None) == Decision::Granted
}

/// The schedules whose answers the caller may query.
#[utoipa::path(get, path = "/v1/schedules", tag = "show", responses((status = 200, description = "`{\"items\": [...], \"next\": null}`", body = [ScheduleItem])))]
pub async fn list(State(control): State<Control>, context: Context) -> Result<Response, Problem> {
    let waiting = control.0.schedules.oldest_windows().await?;
    let mut items = Vec::new();
    for record in control.0.schedules.all().await? {
        if may(&control, &context, &record.definition.into) {
            items.push(shown(&control, &record, &waiting).await?);
        }
    }
    Ok(Json(Items { items, next: None }).into_response())
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RunsQuery {
    /// Only of this schedule; all of them are for an administrator.
    pub schedule: Option<String>,
    /// Items of the page: 100 if not said, at most 1,000.
    pub limit: Option<usize>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// The runs of one schedule, or of all, newest first.
#[utoipa::path(get, path = "/v1/runs", tag = "show", params(RunsQuery),
    responses((status = 200, description = "`{\"items\": [...], \"next\": cursor}`", body = [RunItem])))]
pub async fn runs(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let asked: RunsQuery = query(&uri)?;
    let schedule = match &asked.schedule {
        Some(name) => Some(find(&control, &context, name, Action::Query).await?.definition.name),
        None => {
            control.0.gate.authorize_system(&context, Action::Administer)?;
            None
        }
    };
    let page = Page { dataset: None, after: asked.cursor, limit: page_limit(asked.limit)? };
    let found = control.0.schedules.list_runs(schedule.as_ref(), &page).await?;
    Ok(answer(&found, page.limit, |run| run.id.to_string(), RunItem::of))
}

/// One run, with the landings that came after it.
#[utoipa::path(get, path = "/v1/runs/{id}", tag = "show", params(("id" = String, Path, description = "`run_...`")),
    responses((status = 200, description = "The run", body = RunItem)))]
pub async fn run(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Json<RunItem>, Problem> {
    let id: RunId = id.parse()?;
    let run = control.0.schedules.run(&id).await?;
    control.0.gate.authorize(&context, Action::Query, &run.dataset, None)?;
    let page = Page { dataset: None, after: None, limit: limits::PAGE_ITEMS_MAX };
    let late = control.0.schedules.list_late(Some(&id), &page).await?;
    let late = late.iter().map(|late| LateItem {
        landing: late.landing.to_string(),
        dataset: late.dataset.to_string(),
        received_at: late.received_at.to_string(),
        found_at: late.found_at.to_string(),
    });
    Ok(Json(RunItem { late_landings: Some(late.collect()), ..RunItem::of(&run) }))
}

/// Which windows shall be answered.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRuns {
    /// Windows that end after this moment: RFC 3339, or a day in the schedule's zone. Without it the last window alone.
    #[serde(default)]
    from: Option<String>,
    /// And not after this one; now if left out.
    #[serde(default)]
    to: Option<String>,
}

async fn find(control: &Control, context: &Context, name: &str, action: Action) -> Result<ScheduleRecord> {
    let record = control.0.schedules.get(&name.parse()?).await?;
    control.0.gate.authorize(context, action, &record.definition.into, None)?;
    Ok(record)
}

/// The windows that are asked for, all of them over.
fn windows(record: &ScheduleRecord, new: &NewRuns, now: Timestamp) -> Result<Vec<Window>> {
    let calendar = Calendar::of(&record.definition)?;
    let moment = |text: &Option<String>| text.as_deref().map(|text| calendar.moment(text)).transpose();
    let to = moment(&new.to)?.unwrap_or(now).min(now);
    let Some(from) = moment(&new.from)? else {
        let last = calendar.last(to).ok_or_else(|| Error::new(ErrorKind::NotFound, "no window has ended yet"))?;
        return Ok(vec![calendar.window(last, None)]);
    };
    let windows = calendar.windows(from, to, None, limits::WINDOWS_MAX + 1);
    if windows.is_empty() {
        let name = &record.definition.name;
        return Err(Error::new(ErrorKind::BadRequest, format!("no window of the schedule `{name}` ended after {from} and up to {to}")));
    }
    if windows.len() > limits::WINDOWS_MAX {
        let message = format!("more than {} windows ended after {from} and up to {to}: ask for fewer at once", limits::WINDOWS_MAX);
        return Err(Error::new(ErrorKind::BadRequest, message));
    }
    Ok(windows)
}

/// Has windows answered, also those that were answered before: the new answer takes the place of the old one. They wait until
/// all that is due by itself is done.
#[utoipa::path(
    post, path = "/v1/schedules/{name}/runs", tag = "change", request_body = NewRuns,
    params(("name" = String, Path, description = "The schedule")),
    responses((status = 202, description = "`{\"items\": [...], \"next\": null}`, in the order of the windows", body = [RunItem]))
)]
pub async fn ask(
    State(control): State<Control>,
    context: Context,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let record = find(&control, &context, &name, Action::Replay).await?;
    let new: NewRuns = json(request, "{\"from\", \"to\"}", &control.0.budget).await?;
    let windows = windows(&record, &new, control.0.catalog.clock().now())?;
    let runs = control.0.schedules.ask_runs(&record.definition.name, windows, &context.principal).await?;
    Ok((StatusCode::ACCEPTED, Json(Items { items: runs.iter().map(RunItem::of).collect(), next: None })).into_response())
}
