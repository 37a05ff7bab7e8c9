//! The bodies of batches, wherever they are kept: inline, in a segment, or
//! sealed with their neighbours, and then told apart by the index.

use bytes::Bytes;
use landfall_catalog::Catalog;
use landfall_catalog::events::WaitingBatch;
use landfall_model::{BodyPlace, DatasetName, Error, ErrorKind, Landing, LandingId, Phase, Region, Result};
use landfall_store::Store;
use landfall_store::sealed::SealedBatch;

/// Bytes of bodies that are read and decoded at once: enough to amortise, little enough to hold beside the rows.
const PAGE_BYTES: i64 = 4 << 20;

/// Where bodies are read from. Cloning shares it.
#[derive(Clone)]
pub struct Bodies {
    pub catalog: Catalog,
    pub store: Store,
}

/// A page of batches in the order of their numbers, as they landed.
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
        let mut page = Page { batches: Vec::with_capacity(waiting.len()), last: None };
        for batch in waiting {
            if batch.landing.merged.is_some() {
                if page.last.is_none() {
                    self.take_apart(&batch.landing, seq, &mut page).await?;
                }
                break;
            }
            page.last = Some(batch.landing.last_seq());
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

    /// The batches that `merged` stands for, as far as they are above `seq` and a page holds them.
    async fn take_apart(&self, merged: &Landing, seq: i64, page: &mut Page) -> Result<()> {
        let (key, start) = place(merged)?;
        let mut wanted = Vec::new();
        let mut bytes = 0;
        for batch in self.index(merged).await?.into_iter().filter(|batch| batch.first_seq > seq) {
            bytes += i64::try_from(batch.length).unwrap_or(i64::MAX);
            if bytes > PAGE_BYTES && !wanted.is_empty() {
                break;
            }
            wanted.push(batch);
        }
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(()) };
        let from = first.offset;
        let together = self.store.get_range(key, start + from..start + last.offset + last.length).await?;
        for batch in &wanted {
            let at = |offset: u64| usize::try_from(offset - from).unwrap_or(usize::MAX).min(together.len());
            let body = together.slice(at(batch.offset)..at(batch.offset + batch.length));
            let landing = apart(merged, batch)?;
            page.last = Some(landing.last_seq());
            page.batches.push((landing, body));
        }
        Ok(())
    }

    /// What a merged batch stands for.
    async fn index(&self, merged: &Landing) -> Result<Vec<SealedBatch>> {
        let Some(of) = &merged.merged else { return Ok(Vec::new()) };
        let (key, start) = place(merged)?;
        let length = u64::try_from(merged.size).unwrap_or(0);
        self.store.index(key, start + length, of.index_bytes).await
    }

    /// The batch that event `seq` landed with; the same one where it was not merged.
    pub async fn of_event(&self, landing: &Landing, seq: i64) -> Result<Landing> {
        if landing.merged.is_none() {
            return Ok(landing.clone());
        }
        let found = self.index(landing).await?.into_iter().find(|batch| (batch.first_seq..batch.first_seq + batch.records).contains(&seq));
        found.map_or_else(|| Ok(landing.clone()), |batch| apart(landing, &batch))
    }

    /// The landing `id` as it landed, and the batch that stands for it now; `None` if it is not there.
    pub async fn landing(&self, id: &LandingId) -> Result<Option<(Landing, Landing)>> {
        for merged in self.catalog.merged_around(id).await? {
            if let Some(batch) = self.index(&merged).await?.iter().find(|batch| batch.id == *id) {
                return Ok(Some((apart(&merged, batch)?, merged)));
            }
        }
        Ok(self.catalog.landing(id).await?.map(|landing| (landing.clone(), landing)))
    }
}

fn place(merged: &Landing) -> Result<(&str, u64)> {
    match &merged.body {
        BodyPlace::Object { key, offset, .. } => Ok((key, *offset)),
        BodyPlace::Inline => Err(Error::new(ErrorKind::Corrupt, format!("{} was merged and names no object", merged.id))),
    }
}

/// One of the batches that `merged` stands for.
fn apart(merged: &Landing, batch: &SealedBatch) -> Result<Landing> {
    let (key, start) = place(merged)?;
    Ok(Landing {
        id: batch.id.clone(),
        source: batch.source,
        principal: batch.principal.clone(),
        digest: batch.digest.clone(),
        size: i64::try_from(batch.length).unwrap_or(i64::MAX),
        received_at: batch.received_at,
        first_seq: batch.first_seq,
        records: batch.records,
        body: BodyPlace::Object { key: key.to_owned(), offset: start + batch.offset, length: batch.length },
        merged: None,
        ..merged.clone()
    })
}
