//! Keys: created with what they may do, listed, revoked. A secret is shown once.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::{Problem, json};
use landfall_access::{KeyGrant, grants_of};
use landfall_model::{Action, Error};
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::page::Items;

/// A key as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
struct KeyItem {
    name: String,
    /// `DATASET:ACTION,...`, with `*` for all datasets.
    grants: Vec<String>,
    created_at: String,
    revoked_at: Option<String>,
}

/// What a new key shall be.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    name: String,
    /// `DATASET:ACTION,...`, with `*` for all datasets.
    #[serde(default)]
    grants: Vec<String>,
}

/// All keys by name, revoked ones too.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", responses((status = 200, description = "All of them on one page")))]
pub async fn list(State(control): State<Control>, context: Context) -> Result<Response, Problem> {
    control.0.gate.authorize_system(&context, Action::Administer)?;
    let mut items = Vec::new();
    for key in control.0.catalog.keys().await? {
        let grants = grants_of(&key.grants)?.iter().map(ToString::to_string).collect();
        let revoked_at = key.revoked_at.map(|at| at.to_string());
        items.push(KeyItem { name: key.name, grants, created_at: key.created_at.to_string(), revoked_at });
    }
    Ok(Json(Items { items, next: None }).into_response())
}

/// Makes a key; the secret is in the answer and nowhere else.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = NewKey, responses((status = 201, description = "`name` and `secret`")))]
pub async fn create(State(control): State<Control>, context: Context, request: Request) -> Result<Response, Problem> {
    control.0.gate.authorize_system(&context, Action::Administer)?;
    let new: NewKey = json(request, "{\"name\", \"grants\": [\"DATASET:ACTION,...\"]}", &control.0.budget).await?;
    let grants = new.grants.iter().map(|grant| grant.parse()).collect::<Result<Vec<KeyGrant>, Error>>()?;
    for dataset in grants.iter().filter_map(|grant| grant.dataset.as_ref()) {
        control.0.definitions.get(dataset)?;
    }
    let secret = control.0.gate.create_key(&control.0.catalog, &new.name, &grants).await?;
    let body = serde_json::json!({ "name": new.name, "secret": secret.reveal() });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Revokes a key at once.
#[utoipa::path(delete, path = "/v1/keys/{name}", tag = "keys", params(("name" = String, Path, description = "The key")),
    responses((status = 204, description = "It opens nothing any more")))]
pub async fn revoke(State(control): State<Control>, context: Context, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    control.0.gate.authorize_system(&context, Action::Administer)?;
    control.0.gate.revoke_key(&control.0.catalog, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
