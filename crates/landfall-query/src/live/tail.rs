//! The tail of one dataset: its events above the table's watermark, each
//! decoded once, by whichever query first needs it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use landfall_catalog::datasets::DatasetRecord;
use landfall_model::{DatasetName, Region, Result};
use tokio::sync::Mutex;

use super::budget::Budget;
use super::chunk::Chunk;
use super::region::RegionTail;
use crate::live::schema::table_schema;
use landfall_tables::delta::State;
use landfall_tables::events::{Bodies, Recipe, decode_events};
use landfall_tables::fit::fit;

pub struct Tail {
    bodies: Bodies,
    budget: Budget,
    dataset: DatasetName,
    /// How many growths have begun.
    begun: AtomicU64,
    grown: Mutex<Grown>,
}

#[derive(Default)]
struct Grown {
    /// Which growth was the last to end.
    growth: u64,
    recipe: Option<Arc<Recipe>>,
    regions: BTreeMap<Region, RegionTail>,
}

/// The tail as one query sees it.
pub struct Snapshot {
    /// How its events were decoded.
    pub recipe: Arc<Recipe>,
    regions: Vec<(Region, i64, Vec<Chunk>)>,
}

/// Events that no memory was left for: who reads them decodes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    pub region: Region,
    /// The last event before them.
    pub after: i64,
    pub last: i64,
}

impl Snapshot {
    /// The rows that are in memory, as columns of `schema`.
    pub fn rows(&self, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
        let chunks = self.regions.iter().flat_map(|(_, seq, chunks)| chunks.iter().map(move |chunk| chunk.rows_above(*seq, schema)));
        chunks.filter_map(Result::transpose).filter(|rows| rows.as_ref().map_or(true, |rows| rows.num_rows() > 0)).collect()
    }

    /// The events that are not.
    pub fn beyond(&self) -> Vec<Beyond> {
        let of_region = |(region, seq, chunks): &(Region, i64, Vec<Chunk>)| {
            let beyond = chunks.iter().filter(|chunk| chunk.is_beyond());
            let ranges = beyond.map(|chunk| Beyond { region: region.clone(), after: (chunk.first - 1).max(*seq), last: chunk.last });
            ranges.collect::<Vec<_>>()
        };
        self.regions.iter().flat_map(of_region).collect()
    }
}

impl Tail {
    pub fn new(bodies: Bodies, budget: Budget, dataset: DatasetName) -> Tail {
        Tail { bodies, budget, dataset, begun: AtomicU64::new(0), grown: Mutex::default() }
    }

    /// Every event that was acked before this call and is not in `table`. `None` where `table` is too old for that: a
    /// newer one is there.
    pub async fn above(&self, table: &State, record: &DatasetRecord) -> Result<Option<Snapshot>> {
        let arrived = self.begun.load(Ordering::SeqCst);
        let mut grown = self.grown.lock().await;
        // Who waited while others grew the tail need not do so again, if they began after it came.
        let fresh = grown.growth > arrived && grown.recipe.as_ref().is_some_and(|recipe| recipe.serves(record));
        if !fresh && !self.grow(&mut grown, table, record).await? {
            return Ok(None);
        }
        Ok(grown.snapshot(table))
    }

    /// Begins anew.
    pub async fn reset(&self) {
        *self.grown.lock().await = Grown::default();
    }

    /// Forgets what `table` holds, unless somebody is at it.
    pub fn forget_loaded(&self, table: &State) {
        if let Ok(mut grown) = self.grown.try_lock() {
            for (region, tail) in &mut grown.regions {
                tail.raise(table.watermark(region));
            }
        }
    }

    /// False where `table` is too old.
    async fn grow(&self, grown: &mut Grown, table: &State, record: &DatasetRecord) -> Result<bool> {
        let growth = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        grown.prepare(record).await?;
        for (region, last) in self.bodies.catalog.regions(&self.dataset).await? {
            let watermark = table.watermark(&region);
            let tail = grown.regions.entry(region.clone()).or_default();
            if !tail.raise(watermark) {
                return Ok(false);
            }
            while grown.high(&region) < last {
                if !self.grow_page(grown, &region, last).await? {
                    return Ok(false);
                }
            }
        }
        grown.growth = growth;
        Ok(true)
    }

    /// Decodes the next page of a region. False where a body is gone.
    async fn grow_page(&self, grown: &mut Grown, region: &Region, last: i64) -> Result<bool> {
        let before = grown.high(region);
        let Some(page) = self.bodies.above(&self.dataset, region, before).await? else { return Ok(false) };
        let reached = page.last.unwrap_or(last).max(before + 1);
        let chunk = match &grown.recipe {
            Some(recipe) if !page.batches.is_empty() => {
                let (recipe, decoded) = decode_events(&self.bodies.catalog, recipe, page.batches).await?;
                let rows = fit(&decoded.rows, &table_schema(recipe.table_columns()))?;
                grown.recipe = Some(recipe);
                Some(Chunk::new(before + 1, reached, rows, &self.budget))
            }
            _ => None,
        };
        let tail = grown.regions.entry(region.clone()).or_default();
        match chunk {
            Some(chunk) => tail.push(chunk, &self.budget)?,
            None => tail.pass(reached),
        }
        Ok(true)
    }
}

impl Grown {
    fn high(&self, region: &Region) -> i64 {
        self.regions.get(region).map_or(0, RegionTail::high)
    }

    /// What was decoded after another definition is decoded anew.
    async fn prepare(&mut self, record: &DatasetRecord) -> Result<()> {
        if self.recipe.as_ref().is_some_and(|recipe| recipe.serves(record)) {
            return Ok(());
        }
        self.regions.clear();
        self.recipe = Some(Arc::new(Recipe::of(record).await?));
        Ok(())
    }

    /// `None` where `table` is older than what was forgotten already.
    fn snapshot(&mut self, table: &State) -> Option<Snapshot> {
        let recipe = Arc::clone(self.recipe.as_ref()?);
        let mut regions = Vec::with_capacity(self.regions.len());
        for (region, tail) in &mut self.regions {
            let watermark = table.watermark(region);
            if !tail.raise(watermark) {
                return None;
            }
            regions.push((region.clone(), watermark, tail.chunks().to_vec()));
        }
        Some(Snapshot { recipe, regions })
    }
}
