//! `GET /v1/audit`: promise 4, per dataset. Beside the catalog's own balance it
//! says how many rows the table's log holds, counted by nobody but the log.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use landfall_access::Context;
use landfall_access::http::{Problem, query};
use landfall_catalog::audit::Audit;
use landfall_model::{Action, DatasetName, Result};
use serde::{Deserialize, Serialize};

use crate::control::Control;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only of this dataset.
    dataset: Option<String>,
}

/// The balance of one dataset's sink, in input records and bytes; the names are those of `landfall.audit`.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AuditItem {
    dataset: String,
    sink: &'static str,
    received_records: i64,
    received_bytes: i64,
    loaded_records: i64,
    loaded_bytes: i64,
    rejected_records: i64,
    rejected_bytes: i64,
    dead_lettered_records: i64,
    dead_lettered_bytes: i64,
    discarded_records: i64,
    discarded_bytes: i64,
    removed_records: i64,
    removed_bytes: i64,
    in_flight_records: i64,
    in_flight_bytes: i64,
    /// Rows that must be in the table, and rows that its log says are there.
    rows: i64,
    table_rows: i64,
    /// received is the sum of the others, and the table has its rows.
    balances: bool,
}

fn item(audit: &Audit, table_rows: i64) -> AuditItem {
    AuditItem {
        dataset: audit.dataset.to_string(),
        sink: audit.sink,
        received_records: audit.received.records,
        received_bytes: audit.received.bytes,
        loaded_records: audit.loaded.records,
        loaded_bytes: audit.loaded.bytes,
        rejected_records: audit.rejected.records,
        rejected_bytes: audit.rejected.bytes,
        dead_lettered_records: audit.dead_lettered.records,
        dead_lettered_bytes: audit.dead_lettered.bytes,
        discarded_records: audit.discarded.records,
        discarded_bytes: audit.discarded.bytes,
        removed_records: audit.removed.records,
        removed_bytes: audit.removed.bytes,
        in_flight_records: audit.in_flight.records,
        in_flight_bytes: audit.in_flight.bytes,
        rows: audit.rows,
        table_rows,
        balances: audit.balances() && audit.rows == table_rows,
    }
}

/// Rows of the table and the audit of one moment: a load between the two readings is seen, and they are read again.
async fn settled(control: &Control, mut audit: Audit) -> Result<AuditItem> {
    let dataset = audit.dataset.clone();
    let table = control.0.tables.get(&dataset);
    for _ in 0..TRIES {
        let rows = table.refresh().await?.rows();
        if rows == audit.rows {
            return Ok(item(&audit, rows));
        }
        let again = control.0.catalog.audit(Some(dataset.clone())).await?;
        audit = again.into_iter().next().unwrap_or(audit);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let rows = table.refresh().await?.rows();
    Ok(item(&audit, rows))
}

/// How often a table and the catalog may be caught in the middle of a load before that is a finding.
const TRIES: usize = 50;

/// What was received and what became of it, per dataset.
#[utoipa::path(get, path = "/v1/audit", tag = "show", params(AuditQuery), responses((status = 200, description = "One item per dataset")))]
pub async fn get(State(control): State<Control>, context: Context, uri: Uri) -> Result<Json<serde_json::Value>, Problem> {
    let asked: AuditQuery = query(&uri)?;
    let dataset = asked.dataset.map(|name| name.parse::<DatasetName>()).transpose()?;
    match &dataset {
        Some(name) => {
            control.0.gate.authorize(&context, Action::Query, name, None)?;
            control.0.definitions.get(name)?;
        }
        None => control.0.gate.authorize_system(&context, Action::Administer)?,
    }
    let mut items = Vec::new();
    for audit in control.0.catalog.audit(dataset).await? {
        items.push(settled(&control, audit).await?);
    }
    Ok(Json(serde_json::json!({ "items": items, "next": null })))
}
