//! Held bodies get objects of their own before an expiry, so that the objects
//! that they shared can be deleted with all the others in them.

use landfall_catalog::seals::Moved;
use landfall_model::{BodyPlace, Landing, ManifestId, Result, Timestamp};
use landfall_store::keys;

use super::Keeper;

impl Keeper {
    pub(super) async fn unshare_held(&self, before: Timestamp) -> Result<()> {
        for landing in self.committer.catalog().held_together(self.dataset(), before).await? {
            self.unshare(&landing).await?;
        }
        Ok(())
    }

    async fn unshare(&self, landing: &Landing) -> Result<()> {
        let BodyPlace::Object { key, offset, length } = &landing.body else { return Ok(()) };
        let (catalog, store) = (self.committer.catalog(), self.committer.staging().store());
        let copy = ManifestId::new(catalog.clock());
        let to = keys::landing_apart(self.dataset(), &landing.id, landing.received_at, &copy);
        let bytes = length + landing.merged.as_ref().map_or(0, |merged| merged.index_bytes);
        catalog.register_paths(self.dataset(), copy.as_str(), vec![to.clone()]).await?;
        store.put(&to, store.get_range(key, *offset..offset + bytes).await?).await?;
        let moved = Moved { landing: landing.id.clone(), from: landing.body.clone(), offset: 0 };
        catalog.move_bodies(self.dataset(), copy.as_str(), &to, vec![moved], self.unread_from()).await
    }
}
