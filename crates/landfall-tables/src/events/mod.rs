//! Events to rows: the one way, whether they are staged for a load or shown in
//! the live view, so that a load changes nothing that a query says.

mod bodies;
mod recipe;
mod run;
mod transformed;

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::future::BoxFuture;
use landfall_catalog::Catalog;
use landfall_decode::{Content, Decoded, Options, Outcome, Summary};
use landfall_model::{Column, Error, Landing, LandingId, Reject, Result};

use crate::delta::table_schema;
use crate::fit::fit;
pub use bodies::{Bodies, Page};
pub use recipe::Recipe;
use run::Run;
use transformed::transformed;

/// Bodies of fewer bytes are decoded where they are: to hand them to another thread would take longer.
const HERE_BYTES_MAX: usize = 64 << 10;

/// What a run of batches came to.
#[derive(Debug)]
pub struct Events {
    /// Own columns and the system's, as `delta::table_schema` has them, in the order of the events.
    pub rows: RecordBatch,
    pub rejects: Vec<Reject>,
    pub summary: Summary,
    /// Landings that fail every time, and why; none of their events is in `rows` or `rejects`.
    pub dead: Vec<(LandingId, Error)>,
}

/// Decodes batches, which are in the order of their numbers. Columns that are new are fixed first; the recipe that
/// was used in the end is given back. Errors: of the surroundings only.
pub fn decode_events<'a>(
    catalog: &'a Catalog,
    recipe: &'a Arc<Recipe>,
    batches: Vec<(Landing, Bytes)>,
) -> BoxFuture<'a, Result<(Arc<Recipe>, Events)>> {
    Box::pin(decode(catalog, recipe, batches))
}

async fn decode(catalog: &Catalog, recipe: &Arc<Recipe>, batches: Vec<(Landing, Bytes)>) -> Result<(Arc<Recipe>, Events)> {
    let (mut recipe, found) = fix_columns(catalog, recipe, &batches).await?;
    let (mut parts, mut dead) = (Vec::new(), Vec::new());
    match found {
        Ok(events) => parts.push(events),
        Err(error) if batches.len() > 1 && !error.kind.is_passing() => {
            // One of them is to blame: each for itself, so that the others go in.
            for batch in batches {
                let id = batch.0.id.clone();
                let (next, found) = fix_columns(catalog, &recipe, &[batch]).await?;
                recipe = next;
                match found {
                    Ok(events) => parts.push(events),
                    Err(error) if error.kind.is_passing() => return Err(error),
                    Err(error) => dead.push((id, error)),
                }
            }
        }
        Err(error) if error.kind.is_passing() => return Err(error),
        Err(error) => dead.extend(batches.into_iter().map(|(landing, _)| (landing.id, error.clone()))),
    }
    let events = joined(&recipe, parts, dead)?;
    Ok((recipe, events))
}

/// All parts as one, under the columns of the last.
fn joined(recipe: &Recipe, parts: Vec<Events>, dead: Vec<(LandingId, Error)>) -> Result<Events> {
    let schema = table_schema(recipe.table_columns());
    let mut whole = Events { rows: RecordBatch::new_empty(schema.clone()), rejects: Vec::new(), summary: Summary::default(), dead };
    let mut rows = Vec::with_capacity(parts.len());
    for part in parts {
        rows.push(fit(&part.rows, &schema)?);
        whole.rejects.extend(part.rejects);
        whole.summary.records += part.summary.records;
        whole.summary.bytes += part.summary.bytes;
        whole.summary.rejected_records += part.summary.rejected_records;
        whole.summary.rejected_bytes += part.summary.rejected_bytes;
    }
    whole.rows = match rows.len() {
        1 => rows.swap_remove(0),
        _ => concat_batches(&schema, &rows).map_err(broken)?,
    };
    Ok(whole)
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    RecordBatch::try_new_with_options(schema, columns, &RecordBatchOptions::new().with_row_count(Some(rows))).map_err(broken)
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal("making rows of events", error)
}

/// Decodes until no column is new. The inner error is of the batches, the outer of the catalog.
async fn fix_columns(catalog: &Catalog, recipe: &Arc<Recipe>, batches: &[(Landing, Bytes)]) -> Result<(Arc<Recipe>, Result<Events>)> {
    let mut recipe = recipe.clone();
    loop {
        let run = Arc::new(Run::new(batches));
        let found = match read(&recipe, &run).await {
            Ok(Read::NewColumns(new)) => {
                let columns = recipe.columns();
                let fixed = catalog.extend_columns(recipe.dataset(), columns.version, new).await?;
                recipe = Arc::new(recipe.with_columns(fixed).await?);
                continue;
            }
            Ok(Read::Rows(decoded, summary)) => finish(&recipe, &run, decoded, summary).await,
            Err(error) => Err(error),
        };
        return Ok((recipe, found));
    }
}

enum Read {
    Rows(Vec<Decoded>, Summary),
    NewColumns(Vec<Column>),
}

async fn read(recipe: &Arc<Recipe>, run: &Arc<Run>) -> Result<Read> {
    if run.text.len() <= HERE_BYTES_MAX {
        return read_here(recipe, run);
    }
    let (recipe, run) = (recipe.clone(), run.clone());
    let task = tokio::task::spawn_blocking(move || read_here(&recipe, &run));
    task.await.map_err(|error| Error::internal("decoding events", error))?
}

fn read_here(recipe: &Recipe, run: &Run) -> Result<Read> {
    let options = Options { csv: recipe.csv(), file_name: None, content: Content::Events };
    let mut decoded = Vec::new();
    let outcome = landfall_decode::decode(Box::new(Cursor::new(run.text.clone())), &options, recipe.columns(), &mut |part| {
        decoded.push(part);
        Ok(())
    })?;
    Ok(match outcome {
        Outcome::Done(summary) => Read::Rows(decoded, summary),
        Outcome::NewColumns(new) => Read::NewColumns(new),
    })
}

async fn finish(recipe: &Recipe, run: &Run, decoded: Vec<Decoded>, summary: Summary) -> Result<Events> {
    let schema = landfall_decode::schema(recipe.columns());
    let own = concat_batches(&schema, decoded.iter().map(|part| &part.batch)).map_err(broken)?;
    let lines: Vec<u64> = decoded.iter().flat_map(|part| part.lines.iter().copied()).collect();
    let system = run.system_columns(&lines);
    let rejects = decoded.into_iter().flat_map(|part| part.rejects).filter_map(|rejected| run.reject(rejected)).collect();
    let (own, system) = match recipe.transform()? {
        None => (own, system),
        Some(transform) => transformed(transform, own, &system).await?,
    };
    let rows = own.num_rows();
    let columns = own.columns().iter().cloned().chain(system).collect();
    let rows = batch(table_schema(recipe.table_columns()), columns, rows)?;
    Ok(Events { rows, rejects, summary, dead: Vec::new() })
}
