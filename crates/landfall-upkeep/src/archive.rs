//! Moves raw bytes that are old enough to the archive, object by object, as
//! they are: whoever reads them finds them there by the same handle.

use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{Dataset, ManifestId, Result, crash, limits};
use landfall_store::{Store, keys};

use crate::task::{Status, Task};

const AT_ONCE: usize = 50;

pub struct Archive {
    pub catalog: Catalog,
    pub store: Store,
    pub definitions: Definitions,
}

impl Archive {
    async fn run(&self) -> Result<Status> {
        let mut more = false;
        for record in self.definitions.all().values() {
            more |= self.of(&record.definition).await?;
        }
        Ok(if more { Status::More } else { Status::Idle })
    }

    /// Moves some of the oldest bytes of a dataset. True: there may be more.
    async fn of(&self, dataset: &Dataset) -> Result<bool> {
        let Some(after) = dataset.archive_after.filter(|_| self.store.has_archive()) else { return Ok(false) };
        // What lies together expires together, so it moves together.
        let before = dataset.granularity().floor(after.before(self.catalog.clock().now()));
        let found = self.catalog.archivable(&dataset.name, before, AT_ONCE).await?;
        for object in &found.objects {
            self.move_object(dataset, object).await?;
        }
        if found.objects.is_empty() && !found.waits {
            self.catalog.archived_to(&dataset.name, before).await?;
        }
        Ok(!found.objects.is_empty())
    }

    async fn move_object(&self, dataset: &Dataset, from: &str) -> Result<()> {
        // Two nodes may move the same object, so each copy has a path of its own: one is named, the other swept.
        let owner = ManifestId::new(self.catalog.clock());
        let to = keys::archived(from, &owner);
        self.catalog.register_paths(&dataset.name, owner.as_str(), vec![to.clone()]).await?;
        let mut upload = self.store.upload(&to).await?;
        let mut bytes = self.store.stream(from, None).await?;
        while let Some(piece) = bytes.next().await {
            upload.write(piece?).await?;
        }
        upload.finish().await?;
        crash::point("archive.copied");
        let unread_from = self.catalog.clock().now().plus(limits::QUERY_TIMEOUT + Duration::from_secs(60));
        self.catalog.archive_object(&dataset.name, owner.as_str(), from, &to, unread_from).await?;
        crash::point("archive.moved");
        Ok(())
    }
}

impl Task for Archive {
    fn name(&self) -> String {
        "archive".into()
    }

    fn every(&self) -> Duration {
        limits::SWEEP_EVERY
    }

    fn run_once(&self) -> BoxFuture<'_, Result<Status>> {
        Box::pin(self.run())
    }
}
