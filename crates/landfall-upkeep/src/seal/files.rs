//! Small files: their bodies move together into one object; each stays a landing of its own.

use landfall_catalog::seals::Moved;
use landfall_model::{DatasetName, Granularity, Result, crash, limits};

use super::Seal;
use super::object::SealedObject;

impl Seal {
    /// Moves the bodies of the oldest small files that landed in one partition; false if none wait.
    pub(super) async fn files(&self, dataset: &DatasetName, granularity: Granularity) -> Result<bool> {
        let age = i64::try_from(limits::SEAL_AFTER.as_micros()).unwrap_or(i64::MAX);
        let before = self.catalog.clock().now().plus_micros(-age);
        let mut waiting = self.catalog.inline_files(dataset, before, limits::SEALED_FILES_BYTES).await?;
        let Some((oldest, _)) = waiting.first() else { return Ok(false) };
        let partition = granularity.partition(oldest.received_at);
        waiting.retain(|(landing, _)| granularity.partition(landing.received_at) == partition);
        // A few small ones are worth no object yet, unless they have waited for long.
        let bytes: i64 = waiting.iter().map(|(landing, _)| landing.size).sum();
        let patience = i64::try_from(limits::SEAL_FILES_AFTER.as_micros()).unwrap_or(i64::MAX);
        let patient = waiting.first().is_some_and(|(oldest, _)| oldest.received_at.plus_micros(patience) > before);
        if patient && bytes < limits::SEALED_FILES_BYTES / 4 && waiting.len() < 500 {
            return Ok(false);
        }
        let mut object = SealedObject::begin(&self.catalog, &self.store, dataset, &partition).await?;
        let mut moved = Vec::with_capacity(waiting.len());
        for (landing, _) in waiting {
            let offset = object.add(&self.catalog, &self.store, &landing).await?;
            moved.push(Moved { landing: landing.id, from: landing.body, offset });
        }
        let written = object.finish(false).await?;
        crash::point("seal.files_written");
        self.catalog.move_bodies(dataset, written.id.as_str(), &written.key, moved, self.unread_from()).await?;
        Ok(true)
    }
}
