//! `GET /v1/landings`.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_model::{EventId, Kind, Landing};
use serde::Serialize;

use crate::control::Control;
use crate::page::{PageQuery, answer};

/// A landing as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LandingItem {
    id: String,
    dataset: String,
    /// `file` or `batch`.
    kind: &'static str,
    source: &'static str,
    principal: String,
    region: String,
    key: Option<String>,
    content_type: Option<String>,
    digest: String,
    /// Bytes.
    size: i64,
    received_at: String,
    /// Of a batch: the ids of its first and its last event.
    first_event: Option<String>,
    last_event: Option<String>,
    records: i64,
    /// How many landings it stands for: more than 1 where a batch was merged with its neighbours.
    landings: i64,
    /// `live`, `replaced`, `deleted`, `discarded` or `expired`.
    state: &'static str,
    /// `received`, `staged`, `loaded`, `dead` or `removed`.
    phase: &'static str,
    /// The load that brought it into the table.
    load: Option<i64>,
}

impl LandingItem {
    pub fn of(landing: &Landing, load: Option<i64>) -> LandingItem {
        let event = |seq| {
            let id = EventId { dataset: landing.dataset.clone(), region: landing.region.clone(), seq };
            (landing.kind == Kind::Batch).then(|| id.to_string())
        };
        LandingItem {
            id: landing.id.to_string(),
            dataset: landing.dataset.to_string(),
            kind: landing.kind.as_str(),
            source: landing.source.as_str(),
            principal: landing.principal.to_string(),
            region: landing.region.to_string(),
            key: landing.key.as_ref().map(ToString::to_string),
            content_type: landing.content_type.clone(),
            digest: format!("sha256:{}", landing.digest),
            size: landing.size,
            received_at: landing.received_at.to_string(),
            first_event: event(landing.first_seq),
            last_event: event(landing.last_seq()),
            records: landing.records,
            landings: landing.merged.as_ref().map_or(1, |merged| merged.landings),
            state: landing.state.as_str(),
            phase: landing.phase.as_str(),
            load,
        }
    }
}

/// Landings, newest first.
#[utoipa::path(get, path = "/v1/landings", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let records = control.0.catalog.list_landings(&page).await?;
    Ok(answer(&records, page.limit, |record| record.landing.id.to_string(), |record| LandingItem::of(&record.landing, record.load)))
}
