//! Health: alive is whoever answers; ready is who can reach the catalog and the
//! store, and whose tables can take loads.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use landfall_model::{Error, ErrorKind, Result};

use crate::control::Control;

/// A part that does not answer within this is not ready.
const PATIENCE: Duration = Duration::from_secs(3);

/// The process answers.
#[utoipa::path(get, path = "/healthz/live", tag = "health", responses((status = 200, description = "Alive")))]
pub async fn live() -> &'static str {
    "alive\n"
}

async fn within(check: impl Future<Output = Result<()>>) -> Result<()> {
    let silent = || Error::new(ErrorKind::Unavailable, format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, check).await.unwrap_or_else(|_| Err(silent()))
}

/// Every part that requests need answers; else 503 names the one that does not.
#[utoipa::path(get, path = "/healthz/ready", tag = "health",
    responses((status = 200, description = "Ready"), (status = 503, description = "`parts` names what is not")))]
pub async fn ready(State(control): State<Control>) -> Response {
    let inner = &control.0;
    let (catalog, store) = tokio::join!(within(inner.catalog.ping()), within(inner.store.ping()));
    let parts = [("catalog", catalog), ("store", store)];
    let mut broken = serde_json::Map::new();
    for (name, outcome) in &parts {
        if let Err(error) = outcome {
            broken.insert((*name).into(), error.message.clone().into());
        }
    }
    if broken.is_empty() {
        return Json(serde_json::json!({ "status": "ready" })).into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({ "status": "not ready", "parts": broken }))).into_response()
}
