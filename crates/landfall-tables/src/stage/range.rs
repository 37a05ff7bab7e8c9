//! Staging events: a range of batches of one region, a piece at a time.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use landfall_catalog::events::WaitingBatch;
use landfall_decode::Summary;
use landfall_model::{Counts, DatasetName, Error, Landing, LandingId, Manifest, ManifestId, Phase, Region, Result, Subject, limits};
use tokio::sync::mpsc::Sender;

use super::file::counts;
use super::piece::{Piece, Written, writer};
use super::{Staged, Staging, Target, failed, fed};
use crate::events::{Bodies, Recipe, decode_events};

impl Staging {
    /// The events from `first` to the end of `batches`, which are in the order of their numbers. Batches that are dead
    /// letters already, or are being tried again for themselves, are left out; those that turn out to be are told.
    pub async fn stage_range(&self, dataset: &DatasetName, region: &Region, first: i64, batches: Vec<WaitingBatch>) -> Result<Staged> {
        let last = batches.last().map_or(first - 1, |batch| batch.landing.last_seq());
        let (taken, left): (Vec<_>, Vec<_>) = batches.into_iter().partition(|batch| batch.landing.phase == Phase::Received);
        let range =
            Subject::Range { region: region.clone(), first, last, except: left.into_iter().map(|batch| batch.landing.id).collect() };
        let mut staged = self.stage_batches(dataset, &Target::own(dataset), range, taken).await?;
        if let Subject::Range { except, .. } = &mut staged.manifest.subject {
            except.extend(staged.dead.iter().map(|(landing, _)| landing.clone()));
        }
        Ok(staged)
    }

    /// Stages a loaded range again for `target`, from its bodies wherever they are. A batch that fails every time is the error.
    pub fn restage_range<'a>(
        &'a self,
        dataset: &'a DatasetName,
        region: &'a Region,
        first: i64,
        last: i64,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Manifest>> {
        Box::pin(async move {
            let record = self.0.definitions.get(dataset)?;
            let id = ManifestId::new(&self.0.clock);
            let (pieces, writing) = writer(self.outputs(target, &id));
            let decoded = self.decode_again(Arc::new(Recipe::of(&record).await?), region, first, last, &pieces).await;
            if decoded.is_ok() {
                // If the writer is gone, it says why below.
                let _ = pieces.send(Piece::Finish).await;
            }
            drop(pieces);
            let written = writing.await.map_err(|why| failed(&why))??;
            let (columns_version, summary, bytes) = decoded?;
            let Written { files, rows, rejects } = written.ok_or_else(|| failed(&"the writer ended before the rows did"))?;
            Ok(Manifest {
                id,
                dataset: target.dataset.clone(),
                subject: Subject::Range { region: region.clone(), first, last, except: Vec::new() },
                definition_version: record.version,
                columns_version,
                files,
                counts: Counts { bytes, ..counts(&summary, rows) },
                rejects,
            })
        })
    }

    /// Returns the version of the columns in the end, what was decoded, and the bytes of the batches.
    async fn decode_again(
        &self,
        mut recipe: Arc<Recipe>,
        region: &Region,
        first: i64,
        last: i64,
        pieces: &Sender<Piece>,
    ) -> Result<(i64, Summary, i64)> {
        let bodies = Bodies { catalog: self.0.catalog.clone(), store: self.0.store.clone() };
        let dataset = recipe.dataset().clone();
        let (mut summary, mut bytes, mut seq) = (Summary::default(), 0, first - 1);
        while seq < last {
            let page = bodies.above(&dataset, region, seq).await?;
            let mut page =
                page.ok_or_else(|| Error::unavailable("reading events again; it is tried again", "their bytes have just moved"))?;
            seq = page.last.unwrap_or(last);
            page.batches.retain(|(landing, _)| landing.last_seq() <= last);
            bytes += page.batches.iter().map(|(landing, _)| landing.size).sum::<i64>();
            let waiting = page.batches.into_iter().map(|(landing, body)| WaitingBatch { landing, body: Some(body) }).collect();
            let (used, more, dead) = self.decode_batches(recipe, waiting, pieces).await?;
            if let Some((landing, error)) = dead.into_iter().next() {
                return Err(error.while_(&format!("the landing {landing} of the window cannot be processed as the definition is now")));
            }
            recipe = used;
            add(&mut summary, &more);
        }
        Ok((recipe.columns().version, summary, bytes))
    }

    /// One batch for itself; its own failure is the error.
    pub(super) async fn stage_batch(&self, landing: &Landing, target: &Target) -> Result<Manifest> {
        let (first, last) = (landing.first_seq, landing.last_seq());
        let range = Subject::Range { region: landing.region.clone(), first, last, except: Vec::new() };
        let batch = WaitingBatch { landing: landing.clone(), body: None };
        let staged = self.stage_batches(&landing.dataset, target, range, vec![batch]).await?;
        match staged.dead.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(staged.manifest),
        }
    }

    async fn stage_batches(&self, dataset: &DatasetName, target: &Target, subject: Subject, batches: Vec<WaitingBatch>) -> Result<Staged> {
        let record = self.0.definitions.get(dataset)?;
        let id = ManifestId::new(&self.0.clock);
        let sizes = batches.iter().map(|batch| (batch.landing.id.clone(), batch.landing.size)).collect::<Vec<_>>();
        let (pieces, writing) = writer(self.outputs(target, &id));
        let decoded = self.decode_batches(Arc::new(Recipe::of(&record).await?), batches, &pieces).await;
        if decoded.is_ok() {
            // If the writer is gone, it says why below.
            let _ = pieces.send(Piece::Finish).await;
        }
        drop(pieces);
        let written = writing.await.map_err(|why| failed(&why))??;
        let (recipe, summary, dead) = decoded?;
        let Written { files, rows, rejects } = written.ok_or_else(|| failed(&"the writer ended before the rows did"))?;
        let is_dead = |id: &LandingId| dead.iter().any(|(dead, _)| dead == id);
        let manifest = Manifest {
            id,
            dataset: target.dataset.clone(),
            subject,
            definition_version: record.version,
            columns_version: recipe.columns().version,
            files,
            // What parts the batches while they are decoded together is not of their bytes.
            counts: Counts { bytes: sizes.iter().filter(|(id, _)| !is_dead(id)).map(|(_, size)| size).sum(), ..counts(&summary, rows) },
            rejects,
        };
        Ok(Staged { manifest, dead })
    }

    async fn decode_batches(
        &self,
        mut recipe: Arc<Recipe>,
        batches: Vec<WaitingBatch>,
        pieces: &Sender<Piece>,
    ) -> Result<(Arc<Recipe>, Summary, Vec<(LandingId, Error)>)> {
        let mut summary = Summary::default();
        let mut dead = Vec::new();
        let mut waiting = batches.into_iter().peekable();
        let granularity = self.granularity(recipe.dataset())?;
        while let Some(batch) = waiting.next() {
            let partition = granularity.partition(batch.landing.received_at);
            let beside = |next: &WaitingBatch| granularity.partition(next.landing.received_at) == partition;
            let mut together = vec![self.with_body(batch).await?];
            let mut bytes = together[0].1.len();
            // Rows of one call go to one partition.
            while let Some(next) = waiting.next_if(|next| bytes < limits::EVENTS_DECODE_BYTES && beside(next)) {
                let next = self.with_body(next).await?;
                bytes += next.1.len();
                together.push(next);
            }
            let (used, events) = decode_events(&self.0.catalog, &recipe, together).await?;
            recipe = used;
            add(&mut summary, &events.summary);
            dead.extend(events.dead);
            if !events.rejects.is_empty() {
                fed(pieces.send(Piece::Rejects(events.rejects)).await)?;
            }
            fed(pieces.send(Piece::Rows(partition, events.rows)).await)?;
        }
        Ok((recipe, summary, dead))
    }

    async fn with_body(&self, batch: WaitingBatch) -> Result<(Landing, Bytes)> {
        let body = self.body(&batch.landing, batch.body).await?;
        Ok((batch.landing, body))
    }
}

fn add(summary: &mut Summary, more: &Summary) {
    summary.records += more.records;
    summary.bytes += more.bytes;
    summary.rejected_records += more.rejected_records;
    summary.rejected_bytes += more.rejected_bytes;
}
