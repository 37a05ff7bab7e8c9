//! Events that are loaded: their batches become one, and so do the manifests of
//! their ranges; later several of those become one again, each time with their
//! like, so that a body is copied a logarithmic number of times.

use landfall_catalog::seals::{Moved, Run, Sealed};
use landfall_model::{BodyPlace, DatasetName, Granularity, Landing, Result, crash, limits};
use landfall_store::keys;

use super::Seal;
use super::object::{SealedObject, Written};

/// Levels of merging: each holds at least eight times as much as the one before, so this is more than there can be.
const LEVELS: i64 = 8;

/// Bytes of bodies that one look-up brings.
const PAGE_BYTES: i64 = 4 << 20;

impl Seal {
    /// Seals or merges the next run of a dataset that is due; false if there is none.
    pub(super) async fn events(&self, dataset: &DatasetName, granularity: Granularity) -> Result<bool> {
        for level in 0..LEVELS {
            if let Some(run) = self.catalog.next_run(dataset, level, granularity).await? {
                self.seal(&run).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn seal(&self, run: &Run) -> Result<()> {
        let mut object = SealedObject::begin(&self.catalog, &self.store, &run.dataset, &run.partition).await?;
        let mut moved = Vec::new();
        let mut seq = run.first - 1;
        while seq < run.last {
            let page = self.catalog.events_above(&run.dataset, &run.region, seq, PAGE_BYTES).await?;
            let Some(last) = page.last() else { break };
            seq = last.landing.last_seq();
            for batch in page.into_iter().map(|batch| batch.landing).filter(|batch| batch.first_seq <= run.last) {
                moved.extend(self.add(&mut object, batch, run.merges).await?);
            }
        }
        crash::point("seal.bodies");
        let written = object.finish(run.merges).await?;
        crash::point("seal.written");
        if run.merges { self.merge(run, written).await } else { self.move_apart(run, written, moved).await }
    }

    /// Adds one batch; where landings stay apart, says where its copy is.
    async fn add(&self, object: &mut SealedObject, batch: Landing, merges: bool) -> Result<Option<Moved>> {
        // What is by itself already stays there.
        let alone = matches!(&batch.body, BodyPlace::Object { key, .. } if key.starts_with(keys::LANDINGS));
        if !merges && alone {
            return Ok(None);
        }
        let offset = object.add(&self.catalog, &self.store, &batch).await?;
        Ok((!merges).then_some(Moved { landing: batch.id, from: batch.body, offset }))
    }

    async fn merge(&self, run: &Run, written: Written) -> Result<()> {
        let rejects = self.join_rejects(run, &written).await?;
        let sealed = Sealed {
            id: written.id,
            key: written.key,
            digest: written.digest,
            index_bytes: written.index_bytes,
            rejects,
            unread_from: self.unread_from(),
        };
        let merged = self.catalog.merge_run(run, &sealed).await?;
        crash::point("seal.merged");
        if !merged {
            tracing::debug!(dataset = %run.dataset, first = run.first, last = run.last, "a run changed while it was being sealed");
        }
        Ok(())
    }

    async fn move_apart(&self, run: &Run, written: Written, moved: Vec<Moved>) -> Result<()> {
        for slice in moved.chunks(limits::LOAD_BATCHES_MAX) {
            let (dataset, owner) = (&run.dataset, written.id.as_str());
            self.catalog.move_bodies(dataset, owner, &written.key, slice.to_vec(), self.unread_from()).await?;
        }
        self.catalog.set_apart(run).await
    }

    /// The rejects of all ranges as one object, if there are any.
    async fn join_rejects(&self, run: &Run, written: &Written) -> Result<Option<String>> {
        let parts: Vec<&String> = run.manifests.iter().filter_map(|(_, rejects)| rejects.as_ref()).collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let key = keys::rejects(&run.dataset, &written.id);
        self.catalog.register_paths(&run.dataset, written.id.as_str(), vec![key.clone()]).await?;
        let mut upload = self.store.upload(&key).await?;
        for part in parts {
            let size = self.store.size(part).await?;
            let mut at = 0;
            while at < size {
                let end = size.min(at + limits::STREAM_CHUNK_BYTES as u64);
                upload.write(self.store.get_range(part, at..end).await?).await?;
                at = end;
            }
        }
        upload.finish().await?;
        Ok(Some(key))
    }
}
