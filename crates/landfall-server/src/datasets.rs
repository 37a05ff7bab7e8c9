//! `GET /v1/datasets`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use landfall_access::http::Problem;
use landfall_access::{Context, Decision};
use landfall_catalog::datasets::DatasetRecord;
use landfall_model::{Action, Column, Level};
use serde::Serialize;

use crate::control::Control;
use crate::page::Items;

/// A dataset as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
struct DatasetItem {
    /// The same word as everywhere else about a dataset.
    dataset: String,
    name: String,
    description: Option<String>,
    #[schema(value_type = Vec<Object>)]
    columns: Vec<Column>,
    /// True where the configuration names the columns; else they were inferred.
    declared: bool,
    transform: Option<String>,
    /// How long a landing is kept, like `30d`; null: for ever.
    retention: Option<String>,
    /// How long a landing may take until it is processed, like `5s`; null: nothing is measured.
    sla: Option<String>,
    /// `met`, `at risk` or `late`, by the oldest landing that is not processed; null without an objective.
    sla_state: Option<&'static str>,
    /// `high`, `normal` or `low`.
    priority: &'static str,
    /// True where the configuration does not declare it (any more).
    detached: bool,
    /// Of a side table: the dataset that it stands beside.
    beside: Option<String>,
    /// And the replay that made it: its folder is `tables/NAME/REPLAY`.
    made_by: Option<String>,
    version: i64,
}

impl DatasetItem {
    fn of(record: &DatasetRecord, level: Option<Level>) -> DatasetItem {
        DatasetItem {
            dataset: record.definition.name.to_string(),
            name: record.definition.name.to_string(),
            description: record.definition.description.clone(),
            columns: record.columns.list.clone(),
            declared: record.columns.declared,
            transform: record.definition.transform.clone(),
            retention: record.definition.retention.map(|span| span.to_string()),
            sla: record.definition.sla.map(|span| span.to_string()),
            sla_state: level.map(Level::as_str),
            priority: record.definition.priority.as_str(),
            detached: record.detached,
            beside: record.beside.as_ref().map(|beside| beside.source.to_string()),
            made_by: record.beside.as_ref().map(|beside| beside.made_by.to_string()),
            version: record.version,
        }
    }
}

/// The datasets that the caller may do anything with, by name.
#[utoipa::path(get, path = "/v1/datasets", tag = "show", responses((status = 200, description = "All of them on one page")))]
pub async fn list(State(control): State<Control>, context: Context) -> Result<Response, Problem> {
    let known = control.0.definitions.all();
    let may = |record: &DatasetRecord| {
        let name = &record.definition.name;
        Action::ALL.iter().any(|action| control.0.gate.decide(&context, *action, Some(name), None) != Decision::Denied)
    };
    let (services, now) = (control.0.catalog.services().await?, control.0.catalog.clock().now());
    let level = |record: &DatasetRecord| {
        services.iter().find(|service| service.dataset == record.definition.name).map(|service| service.level(now))
    };
    let shown = known.values().filter(|record| may(record));
    let items: Vec<_> = shown.map(|record| DatasetItem::of(record, level(record))).collect();
    if items.is_empty() && !known.is_empty() {
        // Nothing is granted: say so, and to whom.
        control.0.gate.authorize_system(&context, Action::List)?;
    }
    Ok(Json(Items { items, next: None }).into_response())
}
