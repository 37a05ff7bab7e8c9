//! Pages of lists: `?dataset=&limit=&cursor=`, and `{"items": [...], "next": cursor}`.

use axum::Json;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use landfall_access::Context;
use landfall_access::http::{page_limit, query};
use landfall_catalog::lists::Page;
use landfall_model::{Action, DatasetName, Result};
use serde::{Deserialize, Serialize};

use crate::control::{Control, Inner};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Only of this dataset.
    pub dataset: Option<String>,
    /// Items of the page: 100 if not said, at most 1,000.
    pub limit: Option<usize>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The page that `uri` asks for. The list of one dataset needs the action `query` there; that of all is for the
    /// administrator, since a page could not be filled from what a caller may see without reading what it may not.
    pub fn read(uri: &Uri, context: &Context, control: &Control) -> Result<Page> {
        let Inner { gate, definitions, .. } = &*control.0;
        let asked: PageQuery = query(uri)?;
        let dataset = asked.dataset.map(|name| name.parse::<DatasetName>()).transpose()?;
        match &dataset {
            Some(dataset) => {
                gate.authorize(context, Action::Query, dataset, None)?;
                // A misspelt name must not look like a dataset without items.
                definitions.get(dataset)?;
            }
            None => gate.authorize_system(context, Action::Administer)?,
        }
        Ok(Page { dataset, after: asked.cursor, limit: page_limit(asked.limit)? })
    }
}

/// One page as it is answered.
#[derive(Serialize)]
pub struct Items<T> {
    pub items: Vec<T>,
    /// The cursor of the next page; null behind the last one.
    pub next: Option<String>,
}

/// The page of `records`; a full one has a next, which begins behind the cursor of its last record.
pub fn answer<R, T: Serialize>(records: &[R], limit: usize, cursor: impl Fn(&R) -> String, item: impl Fn(&R) -> T) -> Response {
    let next = if records.len() < limit { None } else { records.last().map(cursor) };
    Json(Items { items: records.iter().map(item).collect(), next }).into_response()
}
