//! `GET /v1/datasets/{d}/files`: the live files in order of key, a page at a time.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use landfall_access::Context;
use landfall_access::http::{Problem, page_limit, query};
use landfall_model::Landing;
use serde::{Deserialize, Serialize};

use crate::http::Http;
use crate::http::address::AtDataset;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    cursor: String,
    limit: Option<usize>,
}

/// One file.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct File {
    key: String,
    /// The landing.
    id: String,
    digest: String,
    /// Bytes.
    size: i64,
    content_type: Option<String>,
    /// RFC 3339.
    received_at: String,
    /// `received`, `staged`, `loaded` or `dead`.
    phase: String,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Files {
    items: Vec<File>,
    /// To be sent as `cursor` for the next page; null after the last.
    next: Option<String>,
}

/// The files of a dataset.
#[utoipa::path(
    get, path = "/v1/datasets/{dataset}/files", tag = "files",
    params(
        ("dataset" = String, Path, description = "The dataset"),
        ("prefix" = Option<String>, Query, description = "Only keys that begin with this"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "Items of the page, at most 1000; 100 if left out"),
    ),
    responses((status = 200, description = "One page", body = Files), (status = "4XX", description = "Why not", content_type = "application/problem+json"))
)]
pub(crate) async fn list(
    State(http): State<Http>,
    context: Context,
    AtDataset(dataset): AtDataset,
    uri: Uri,
) -> Result<Json<Files>, Problem> {
    let asked: Asked = query(&uri)?;
    let limit = page_limit(asked.limit)?;
    let prefixes = http.0.files.visible(&context, &dataset, asked.prefix)?;
    let mut landings = Vec::new();
    for prefix in prefixes {
        let missing = limit + 1 - landings.len();
        landings.extend(http.0.files.catalog.live_files(&dataset, &prefix, &asked.cursor, missing).await?);
        if landings.len() > limit {
            break;
        }
    }
    let more = landings.len() > limit;
    landings.truncate(limit);
    let items = landings.iter().map(file).collect::<Vec<_>>();
    let next = if more { items.last().map(|file| file.key.clone()) } else { None };
    Ok(Json(Files { items, next }))
}

fn file(landing: &Landing) -> File {
    File {
        key: landing.key.as_ref().map(ToString::to_string).unwrap_or_default(),
        id: landing.id.to_string(),
        digest: format!("sha256:{}", landing.digest),
        size: landing.size,
        content_type: landing.content_type.clone(),
        received_at: landing.received_at.to_string(),
        phase: landing.phase.as_str().to_owned(),
    }
}
