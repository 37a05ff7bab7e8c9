//! Service levels as they are shown: `GET /v1/sla-breaches`, and how one landing stands to the objective of its dataset.

use std::time::Duration;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::service::Breach;
use landfall_catalog::timeline::Timeline;
use landfall_model::{Landing, Level, Phase, Span, Timestamp};
use serde::Serialize;

use crate::control::Control;
use crate::page::{PageQuery, answer};

/// What took longer than its dataset's objective: a file, a dead letter, or batches of events that were loaded together.
#[derive(Serialize, utoipa::ToSchema)]
pub struct BreachItem {
    dataset: String,
    /// The first of its landings.
    landing: String,
    /// The last of them; itself where it is one.
    last_landing: String,
    /// How many they are.
    landings: i64,
    records: i64,
    /// Null of a file.
    first_event: Option<String>,
    last_event: Option<String>,
    /// `file` or `batch`.
    kind: &'static str,
    /// When the oldest of them was received.
    received_at: String,
    /// When their rows were in the table, or they were a dead letter.
    processed_at: String,
    objective_seconds: f64,
    /// How long the oldest of them took.
    seconds: f64,
}

impl BreachItem {
    fn of(breach: &Breach) -> BreachItem {
        BreachItem {
            dataset: breach.dataset.to_string(),
            landing: breach.landing.to_string(),
            last_landing: breach.last.to_string(),
            landings: breach.landings,
            records: breach.records,
            first_event: breach.event(breach.first_seq).map(|id| id.to_string()),
            last_event: breach.event(breach.last_seq).map(|id| id.to_string()),
            kind: breach.kind.as_str(),
            received_at: breach.received_at.to_string(),
            processed_at: breach.processed_at.to_string(),
            objective_seconds: breach.objective.duration().as_secs_f64(),
            seconds: seconds(breach.micros()),
        }
    }
}

/// Microseconds as seconds; 0 for what clocks of two nodes make less than nothing.
pub fn seconds(micros: i64) -> f64 {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64()
}

/// What took longer than the objective of its dataset, newest landing first.
#[utoipa::path(get, path = "/v1/sla-breaches", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let breaches = control.0.catalog.list_breaches(&page).await?;
    Ok(answer(&breaches, page.limit, |breach| breach.landing.to_string(), BreachItem::of))
}

/// How a landing stands to the objective of its dataset: what that was when it took too long, else what it is today.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ServiceLevel {
    /// Like `5s`.
    objective: String,
    due_at: String,
    /// When its rows were in the table, or it was a dead letter; null while it is in flight.
    processed_at: Option<String>,
    /// How long it took, or its age; null where it was merged with its neighbours, which keep no moment of their own.
    seconds: Option<f64>,
    /// Whether the objective was met; null while it still can be, or where that is not known any more.
    met: Option<bool>,
    /// `met`, `at risk` or `late`; of what is in flight as it stands now.
    state: Option<&'static str>,
}

impl ServiceLevel {
    /// Of `landing` as it landed, whose row has this timeline; `None` without an objective, and for what was taken out before
    /// it was processed.
    pub fn of(today: Option<Span>, breach: Option<&Breach>, landing: &Landing, timeline: &Timeline, now: Timestamp) -> Option<Self> {
        let objective = breach.map(|breach| breach.objective).or(today)?;
        let in_flight = matches!(timeline.landing.phase, Phase::Received | Phase::Staged);
        let load = timeline.load.as_ref().filter(|_| timeline.landing.merged.is_none());
        let processed = match timeline.landing.phase {
            Phase::Received | Phase::Staged => None,
            Phase::Dead => timeline.dead_letter.as_ref().map(|letter| letter.created_at),
            Phase::Loaded | Phase::Removed => breach.map(|breach| breach.processed_at).or(load.and_then(|load| load.committed_at)),
        };
        if timeline.landing.phase == Phase::Removed && processed.is_none() {
            return None;
        }
        let until = if in_flight { Some(now) } else { processed };
        let took = until.map(|until| (until.micros() - landing.received_at.micros()).max(0));
        let level = took.map(|took| if in_flight { Level::of_waiting(took, objective) } else { Level::of_done(took, objective) });
        Some(ServiceLevel {
            objective: objective.to_string(),
            due_at: landing.received_at.plus(objective.duration()).to_string(),
            processed_at: processed.map(|at| at.to_string()),
            seconds: took.map(seconds),
            met: level.filter(|level| !in_flight || *level == Level::Late).map(|level| level == Level::Met),
            state: level.map(Level::as_str),
        })
    }
}
