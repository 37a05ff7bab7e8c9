//! `GET /v1/purges`: what retention took, and when. A purged landing is known by
//! nothing else than its purge.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::purges::Purge;
use landfall_model::{Error, ErrorKind};
use serde::Serialize;

use crate::control::Control;
use crate::page::{PageQuery, answer};

/// A purge as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PurgeItem {
    landing: String,
    /// The last of the landings that were merged into it; itself where none were.
    last_landing: String,
    /// How many landings it stood for.
    landings: i64,
    dataset: String,
    /// `file` or `batch`.
    kind: &'static str,
    digest: String,
    records: i64,
    bytes: i64,
    received_at: String,
    /// When its rows had left the table and it was forgotten.
    purged_at: String,
    /// Since when no byte of it is left; null while files that held it may still be there.
    bytes_at: Option<String>,
}

impl PurgeItem {
    fn of(purge: &Purge) -> PurgeItem {
        PurgeItem {
            landing: purge.landing.to_string(),
            last_landing: purge.last.to_string(),
            landings: purge.merged,
            dataset: purge.dataset.to_string(),
            kind: purge.kind.as_str(),
            digest: format!("sha256:{}", purge.digest),
            records: purge.records,
            bytes: purge.bytes,
            received_at: purge.received_at.to_string(),
            purged_at: purge.purged_at.to_string(),
            bytes_at: purge.bytes_at.map(|at| at.to_string()),
        }
    }
}

/// What retention purged, newest landing first.
#[utoipa::path(get, path = "/v1/purges", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let purges = control.0.catalog.list_purges(&page).await?;
    Ok(answer(&purges, page.limit, |purge| purge.landing.to_string(), PurgeItem::of))
}

/// Says of a landing that was purged what it was.
pub fn gone(purge: &Purge) -> Error {
    let Purge { landing, dataset, kind, digest, records, bytes, received_at, purged_at, .. } = purge;
    let merged = if purge.merged > 1 { format!(", merged from {} landings", purge.merged) } else { String::new() };
    let left = match purge.bytes_at {
        Some(at) => format!("no byte of it is left since {at}"),
        None => "files that held it may still be in the store".to_owned(),
    };
    let message = format!(
        "`{landing}` was purged at {purged_at}, when the retention of `{dataset}` had ended: it was a {kind}{merged}, records: {records}, \
         bytes: {bytes}, digest: sha256:{digest}, received at {received_at}; {left}"
    );
    Error::new(ErrorKind::Gone, message)
}
