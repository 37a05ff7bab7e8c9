//! The handle of the live view: the table of a dataset as it is now.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use landfall_catalog::datasets::DatasetRecord;
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{Column, DatasetName, Error, Result, limits};
use landfall_store::Store;
use parking_lot::Mutex;

use super::beyond::BeyondStream;
use super::budget::Budget;
use super::files::FileSet;
use super::schema::table_schema;
use super::table::LiveTable;
use super::tail::{Snapshot, Tail};
use landfall_tables::delta::{State, Table, Tables};
use landfall_tables::events::{Bodies, Recipe};

/// How often a newer table is taken because events were loaded and cleared away between two looks.
const TRIES: usize = 5;

/// Cloning shares it.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    bodies: Bodies,
    definitions: Definitions,
    tables: Tables,
    budget: Budget,
    views: Mutex<HashMap<DatasetName, Arc<View>>>,
}

/// What is kept for one dataset between queries.
struct View {
    /// Root of the table that it is of.
    root: String,
    tail: Tail,
    files: Mutex<Option<Prepared>>,
}

/// The files of one version of the table, under one schema.
#[derive(Clone)]
struct Prepared {
    version: i64,
    schema: SchemaRef,
    files: Arc<FileSet>,
}

impl Live {
    pub fn new(catalog: Catalog, definitions: Definitions, tables: Tables) -> Live {
        Live::with_budget(catalog, definitions, tables, limits::TAIL_BYTES_MAX)
    }

    /// `new` with `bytes` of memory for decoded events.
    pub fn with_budget(catalog: Catalog, definitions: Definitions, tables: Tables, bytes: usize) -> Live {
        let bodies = Bodies { catalog, store: tables.store().clone() };
        Live(Arc::new(Inner { bodies, definitions, tables, budget: Budget::new(bytes), views: Mutex::default() }))
    }

    pub fn store(&self) -> &Store {
        &self.0.bodies.store
    }

    /// Bytes of memory that decoded events hold now.
    pub fn held(&self) -> usize {
        self.0.budget.held()
    }

    /// The table of `dataset`: every event that was acked before this call is in it, and every file that was loaded.
    pub async fn table(&self, dataset: &DatasetName) -> Result<LiveTable> {
        let record = self.0.definitions.get(dataset)?;
        let table = self.0.tables.of(&record);
        let view = self.view(dataset, table.root());
        self.make_room(dataset).await?;
        let mut state = self.state(&table).await?;
        for _ in 0..TRIES {
            if let Some(snapshot) = view.tail.above(&state, &record).await? {
                return self.put_together(dataset, &view, &state, &snapshot);
            }
            state = table.refresh().await?;
        }
        // A table that was set back would otherwise stay older than the tail for ever.
        view.tail.reset().await;
        let message = format!("the table of `{dataset}` moved on each time it was looked at");
        Err(Error::unavailable("reading events that wait to be loaded; ask again", message))
    }

    /// The columns of the table, without looking at what is in it.
    pub async fn schema(&self, dataset: &DatasetName) -> Result<SchemaRef> {
        let record: Arc<DatasetRecord> = self.0.definitions.get(dataset)?;
        let state = self.0.tables.of(&record).state().await?;
        Ok(table_schema(&columns(Recipe::of(&record).await?.table_columns(), &state)))
    }

    /// On one machine nobody else commits, so the state that is kept is the newest; else the log is asked.
    async fn state(&self, table: &Table) -> Result<Arc<State>> {
        if self.0.bodies.catalog.is_shared() { table.refresh().await } else { table.state().await }
    }

    /// Where memory runs short, lets go of what other datasets' tables hold by now and nobody has asked for since.
    async fn make_room(&self, dataset: &DatasetName) -> Result<()> {
        if !self.0.budget.is_short() {
            return Ok(());
        }
        let others: Vec<_> = self.0.views.lock().iter().map(|(name, view)| (name.clone(), Arc::clone(view))).collect();
        for (name, view) in others.into_iter().filter(|(name, _)| name != dataset) {
            // A side table that was dropped has no tail to let go of.
            let Ok(record) = self.0.definitions.get(&name) else { continue };
            let state = self.state(&self.0.tables.of(&record)).await?;
            view.tail.forget_loaded(&state);
        }
        Ok(())
    }

    /// What is kept of the table at `root`: of another that had the same name and was dropped nothing is.
    fn view(&self, dataset: &DatasetName, root: &str) -> Arc<View> {
        let mut views = self.0.views.lock();
        if let Some(view) = views.get(dataset).filter(|view| view.root == root) {
            return view.clone();
        }
        let tail = Tail::new(self.0.bodies.clone(), self.0.budget.clone(), dataset.clone());
        let view = Arc::new(View { root: root.to_owned(), tail, files: Mutex::new(None) });
        views.insert(dataset.clone(), view.clone());
        view
    }

    fn put_together(&self, dataset: &DatasetName, view: &View, state: &State, snapshot: &Snapshot) -> Result<LiveTable> {
        let schema = table_schema(&columns(snapshot.recipe.table_columns(), state));
        let Prepared { schema, files, .. } = files(view, state, schema)?;
        let stream = |events| BeyondStream {
            bodies: self.0.bodies.clone(),
            dataset: dataset.clone(),
            recipe: Arc::clone(&snapshot.recipe),
            events,
            schema: Arc::clone(&schema),
        };
        let beyond = snapshot.beyond().into_iter().map(|events| Arc::new(stream(events))).collect();
        Ok(LiveTable { files, rows: snapshot.rows(&schema)?, beyond, schema })
    }
}

fn files(view: &View, state: &State, schema: SchemaRef) -> Result<Prepared> {
    let mut kept = view.files.lock();
    if let Some(known) = kept.as_ref().filter(|known| known.version == state.version && known.schema == schema) {
        return Ok(known.clone());
    }
    let files = FileSet::new(state, &view.root, Arc::clone(&schema)).map_err(|error| Error::internal("reading a table's files", error))?;
    let prepared = Prepared { version: state.version, schema, files: Arc::new(files) };
    *kept = Some(prepared.clone());
    Ok(prepared)
}

/// The dataset's columns, and after them those that only the table still has.
fn columns(own: &[Column], state: &State) -> Vec<Column> {
    let old = state.columns.iter().filter(|column| !own.iter().any(|own| own.name == column.name));
    own.iter().chain(old).cloned().collect()
}
