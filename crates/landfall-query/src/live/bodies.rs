//! The bodies of batches that wait to be loaded, wherever they are kept.

use bytes::Bytes;
use landfall_catalog::Catalog;
use landfall_catalog::events::WaitingBatch;
use landfall_model::{BodyPlace, DatasetName, Landing, Phase, Region, Result};
use landfall_store::Store;

/// Bytes of bodies that are read and decoded at once: enough to amortise, little enough to hold beside the rows.
const PAGE_BYTES: i64 = 4 << 20;

/// Where bodies are read from. Cloning shares it.
#[derive(Clone)]
pub struct Bodies {
    pub catalog: Catalog,
    pub store: Store,
}

/// A page of batches in the order of their numbers.
pub struct Page {
    /// Without dead letters and those that were tried again: they come by loads of their own.
    pub batches: Vec<(Landing, Bytes)>,
    /// Number of the last event that was looked at; `None` where there is nothing more.
    pub last: Option<i64>,
}

impl Bodies {
    /// The next events above `seq`; `None` where a body is gone, because a newer table holds its rows.
    pub async fn above(&self, dataset: &DatasetName, region: &Region, seq: i64) -> Result<Option<Page>> {
        let waiting = self.catalog.events_above(dataset, region, seq, PAGE_BYTES).await?;
        let mut page = Page { batches: Vec::with_capacity(waiting.len()), last: waiting.last().map(|batch| batch.landing.last_seq()) };
        for batch in waiting {
            if batch.landing.phase != Phase::Received {
                continue;
            }
            let Some(body) = self.body(&batch).await? else { return Ok(None) };
            page.batches.push((batch.landing, body));
        }
        Ok(Some(page))
    }

    async fn body(&self, batch: &WaitingBatch) -> Result<Option<Bytes>> {
        match &batch.landing.body {
            BodyPlace::Inline => Ok(batch.body.clone()),
            BodyPlace::Object { key, offset, length } => self.store.get_range(key, *offset..offset + length).await.map(Some),
        }
    }
}
