//! `GET /v1/status/{id}`: the timeline of one event, landing or job.

use axum::Json;
use axum::extract::{Path, State};
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::timeline::Timeline;
use landfall_model::{Action, AnyId, DatasetName, ErrorKind, FileKey, Landing, LandingId, Result, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::control::Control;
use crate::dead_letters::DeadLetterItem;
use crate::lists::jobs::JobItem;
use crate::lists::landings::LandingItem;
use crate::purges::gone;
use crate::services::ServiceLevel;

/// One thing that happened, with what is to be said of it.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Moment {
    at: String,
    /// `received`, `stored`, `queued`, `staged`, `loaded`, `dead`, `discarded` or `removed`.
    step: &'static str,
    #[serde(flatten)]
    details: Map<String, Value>,
}

/// A timeline.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Status {
    id: String,
    dataset: String,
    /// Where it stands: `received`, `staged`, `loaded`, `dead`, `discarded` or `removed`.
    state: &'static str,
    timeline: Vec<Moment>,
    /// As it landed.
    landing: LandingItem,
    /// The batch that stands for it now, where it was merged with its neighbours.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<LandingItem>,
    /// The load that brought it into the table.
    load: Option<i64>,
    /// Of a file, its records; of an event, those of all that were staged with it.
    records: Option<i64>,
    rejected_records: Option<i64>,
    rows: Option<i64>,
    /// Of a dead letter: its stable code, and why it is one.
    code: Option<String>,
    reason: Option<String>,
    /// How it stands to the objective of its dataset; null where that has none.
    sla: Option<ServiceLevel>,
    jobs: Vec<JobItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter: Option<DeadLetterItem>,
}

fn moment(step: &'static str, at: Timestamp, details: Value) -> Moment {
    let Value::Object(mut details) = details else { return Moment { at: at.to_string(), step, details: Map::new() } };
    details.retain(|_, value| !value.is_null());
    Moment { at: at.to_string(), step, details }
}

/// The moments in the order in which they happened: how `landing` arrived, and then what became of it with all that it was
/// merged with.
fn moments(landing: &Landing, timeline: &Timeline) -> Vec<Moment> {
    let from = json!({ "source": landing.source, "principal": landing.principal.to_string() });
    let mut moments = vec![
        moment("received", landing.received_at, from),
        moment("stored", landing.received_at, json!({ "bytes": landing.size, "digest": format!("sha256:{}", landing.digest) })),
    ];
    for job in &timeline.jobs {
        let details = json!({ "job": job.id, "state": job.state, "attempts": job.attempts, "error": job.error });
        moments.push(moment("queued", job.created_at, details));
    }
    if let Some(staged) = &timeline.staged {
        let details = json!({ "records": staged.records, "rejected_records": staged.rejected_records, "rows": staged.rows });
        moments.push(moment("staged", staged.at, details));
    }
    if let Some((load, at)) = timeline.load.as_ref().and_then(|load| Some((load, load.committed_at?))) {
        moments.push(moment("loaded", at, json!({ "load": load.number })));
    }
    if let Some(letter) = &timeline.dead_letter {
        let step = if letter.dropped { "discarded" } else { "dead" };
        let place = json!({ "code": letter.code, "reason": letter.reason, "line": letter.line, "byte_offset": letter.byte_offset });
        moments.push(moment(step, letter.created_at, place));
    }
    if let Some((load, at)) = timeline.removal.as_ref().and_then(|load| Some((load, load.committed_at?))) {
        moments.push(moment("removed", at, json!({ "load": load.number, "because": landing.state })));
    }
    moments
}

/// Whoever may land or read something may know what became of it.
fn authorize(control: &Control, context: &Context, dataset: &DatasetName, key: Option<&FileKey>) -> Result<()> {
    let (gate, key) = (&control.0.gate, key.map(FileKey::as_str));
    let may = [Action::Query, Action::Read].iter().any(|action| gate.authorize(context, *action, dataset, key).is_ok());
    if may { Ok(()) } else { gate.authorize(context, Action::Land, dataset, key) }
}

/// The timeline of the batch that `id` was merged into, if it was; an error that says so where it was purged.
async fn of_merged(control: &Control, context: &Context, id: &LandingId) -> Result<Option<Timeline>> {
    let catalog = &control.0.catalog;
    if let Some((_, row)) = control.0.bodies().landing(id).await? {
        return catalog.timeline(AnyId::Landing(row.id)).await.map(Some);
    }
    let Some(purge) = catalog.purge_of(id).await? else { return Ok(None) };
    authorize(control, context, &purge.dataset, None)?;
    Err(gone(&purge))
}

/// What `asked` names as it landed, and the timeline of the row that stands for it now.
async fn find(control: &Control, context: &Context, asked: &AnyId) -> Result<(Landing, Timeline)> {
    let timeline = match (control.0.catalog.timeline(asked.clone()).await, asked) {
        (Err(unknown), AnyId::Landing(id)) if unknown.kind == ErrorKind::NotFound => {
            of_merged(control, context, id).await?.ok_or(unknown)?
        }
        (found, _) => found?,
    };
    let row = &timeline.landing;
    authorize(control, context, &row.dataset, row.key.as_ref())?;
    let landed = match asked {
        AnyId::Event(event) => Some(control.0.bodies().of_event(row, event.seq).await?),
        AnyId::Landing(id) if row.merged.is_some() => control.0.bodies().landing(id).await?.map(|(landed, _)| landed),
        AnyId::Landing(_) | AnyId::Job(_) => None,
    };
    // Where it stands is known of the row alone.
    let landed = landed.map_or_else(|| row.clone(), |landed| Landing { phase: row.phase, ..landed });
    Ok((landed, timeline))
}

async fn service_level(control: &Control, landing: &Landing, timeline: &Timeline) -> Result<Option<ServiceLevel>> {
    let catalog = &control.0.catalog;
    let today = control.0.definitions.get(&landing.dataset)?.definition.sla;
    let breach = catalog.breach_of(landing).await?;
    Ok(ServiceLevel::of(today, breach.as_ref(), landing, timeline, catalog.clock().now()))
}

/// The timeline of one event, landing or job: received, stored, queued, staged, loaded, or why not.
#[utoipa::path(
    get, path = "/v1/status/{id}", tag = "show",
    params(("id" = String, Path, description = "`orders.local.42`, `lnd_...` or `job_...`")),
    responses(
        (status = 200, description = "The timeline", body = Status),
        (status = 404, description = "Nothing of that id", content_type = "application/problem+json"),
        (status = 410, description = "It was purged, and what it was", content_type = "application/problem+json"),
    )
)]
pub async fn get(State(control): State<Control>, context: Context, Path(id): Path<String>) -> Result<Json<Status>, Problem> {
    let asked: AnyId = id.parse()?;
    let (landing, timeline) = find(&control, &context, &asked).await?;
    let load = timeline.load.as_ref().filter(|load| load.committed_at.is_some()).map(|load| load.number);
    let sla = service_level(&control, &landing, &timeline).await?;
    Ok(Json(Status {
        id,
        dataset: landing.dataset.to_string(),
        state: timeline.standing(),
        code: timeline.dead_letter.as_ref().map(|letter| letter.code.clone()),
        reason: timeline.dead_letter.as_ref().map(|letter| letter.reason.clone()),
        timeline: moments(&landing, &timeline),
        load,
        records: timeline.staged.as_ref().map(|staged| staged.records),
        rejected_records: timeline.staged.as_ref().map(|staged| staged.rejected_records),
        rows: timeline.staged.as_ref().map(|staged| staged.rows),
        sla,
        jobs: timeline.jobs.iter().map(JobItem::of).collect(),
        dead_letter: timeline.dead_letter.as_ref().map(DeadLetterItem::of),
        batch: timeline.landing.merged.as_ref().map(|_| LandingItem::of(&timeline.landing, load)),
        landing: LandingItem::of(&landing, load),
    }))
}
