//! `GET /v1/rejects`: the bad records of landings that otherwise loaded. They
//! are kept as objects, one per manifest; the cursor names the manifest and the
//! line in its object, so a page never reads more of it than it shows.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use landfall_access::Context;
use landfall_access::http::Problem;
use landfall_catalog::lists::{Page, RejectsRecord};
use landfall_model::{Error, ErrorKind, Reject, Result};
use landfall_store::Store;
use serde::Serialize;

use crate::control::Control;
use crate::page::{Items, PageQuery};

/// A reject as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RejectItem {
    dataset: String,
    landing: String,
    event: Option<String>,
    line: u64,
    byte_offset: u64,
    reason: String,
    raw: String,
    /// Of the whole raw record.
    bytes: i64,
}

impl RejectItem {
    fn of(dataset: &str, reject: Reject) -> RejectItem {
        RejectItem {
            dataset: dataset.to_owned(),
            landing: reject.landing.to_string(),
            event: reject.event,
            line: reject.place.line,
            byte_offset: reject.place.byte_offset,
            reason: reject.reason,
            raw: reject.raw,
            bytes: reject.bytes,
        }
    }
}

/// Rejects, those of the newest manifest first, and of one manifest in the order of the input.
#[utoipa::path(get, path = "/v1/rejects", tag = "show", params(PageQuery), responses((status = 200, description = "A page")))]
pub async fn list(State(control): State<Control>, context: Context, uri: Uri) -> Result<Response, Problem> {
    let page = PageQuery::read(&uri, &context, &control)?;
    let (manifest, mut skip) = cursor(page.after.as_deref())?;
    let mut items = Vec::new();
    // The manifest that the last page ended in comes first again: a page begins after an id, so one just above is named.
    let mut after = manifest.map(|manifest| format!("{manifest}~"));
    loop {
        let records = control.0.catalog.list_rejects(&Page { after: after.clone(), ..page.clone() }).await?;
        for record in &records {
            let lines = read(&control.0.store, record, skip, page.limit - items.len()).await?;
            let shown = lines.len();
            items.extend(lines);
            if items.len() == page.limit {
                let next = Some(format!("{}:{}", record.manifest, skip + shown));
                return Ok(Json(Items { items, next }).into_response());
            }
            skip = 0;
            after = Some(record.manifest.clone());
        }
        if records.len() < page.limit {
            return Ok(Json(Items { items, next: None }).into_response());
        }
    }
}

fn cursor(after: Option<&str>) -> Result<(Option<&str>, usize)> {
    let Some(after) = after else { return Ok((None, 0)) };
    let parsed = after.split_once(':').and_then(|(manifest, skip)| Some((manifest, skip.parse().ok()?)));
    let (manifest, skip) = parsed.ok_or_else(|| Error::new(ErrorKind::BadRequest, "`cursor` is not the `next` of a page of rejects"))?;
    Ok((Some(manifest), skip))
}

/// Up to `most` rejects of one object, behind the first `skip`.
async fn read(store: &Store, record: &RejectsRecord, skip: usize, most: usize) -> Result<Vec<RejectItem>> {
    let mut stream = store.stream(&record.object, None).await?;
    let mut items = Vec::new();
    let mut rest: Vec<u8> = Vec::new();
    let mut line = 0;
    while let Some(chunk) = stream.next().await {
        for byte in chunk? {
            if byte != b'\n' {
                rest.push(byte);
                continue;
            }
            if line >= skip {
                items.push(parse(record, &rest)?);
                if items.len() == most {
                    return Ok(items);
                }
            }
            line += 1;
            rest.clear();
        }
    }
    Ok(items)
}

fn parse(record: &RejectsRecord, line: &[u8]) -> Result<RejectItem> {
    let reject = serde_json::from_slice(line)
        .map_err(|why| Error::new(ErrorKind::Corrupt, format!("the rejects in `{}` cannot be read: {why}", record.object)))?;
    Ok(RejectItem::of(&record.dataset, reject))
}
