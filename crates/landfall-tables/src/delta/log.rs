//! The log of one table in the store: reading an entry, writing the next one,
//! telling whether a version is still part of it, and cutting it off.

use bytes::Bytes;
use futures::TryStreamExt;
use landfall_model::{ErrorKind, Result};
use landfall_store::{Object, Store};

/// `_delta_log` of the table at `root`.
#[derive(Clone)]
pub(super) struct Log {
    pub store: Store,
    /// Key of the table's root, without a slash at the end.
    pub root: String,
}

impl Log {
    fn key(&self, version: i64) -> String {
        format!("{}/_delta_log/{version:020}.json", self.root)
    }

    /// `None`: there is no such entry.
    pub async fn read(&self, version: i64) -> Result<Option<Bytes>> {
        match self.store.get(&self.key(version)).await {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Durable when it returns. False: the version is taken.
    pub async fn write(&self, version: i64, entry: Bytes) -> Result<bool> {
        self.store.put_if_absent(&self.key(version), entry).await
    }

    /// Whether `version` is still part of the log, so that a missing entry after it means that nothing came after.
    /// Old entries are deleted in ascending order and only behind a checkpoint: whoever finds `version` in place
    /// knows that no entry above it was ever deleted. −1 is in place until there is a checkpoint.
    pub async fn is_in_place(&self, version: i64) -> Result<bool> {
        if version < 0 {
            return Ok(!self.exists(&self.hint()).await?);
        }
        self.exists(&self.key(version)).await
    }

    /// The version of the newest checkpoint; −1 if there is none.
    pub async fn checkpointed(&self) -> Result<i64> {
        #[derive(serde::Deserialize)]
        struct Hint {
            version: i64,
        }
        match self.store.get(&self.hint()).await {
            // A hint that cannot be read is none; the next checkpoint writes it anew.
            Ok(hint) => Ok(serde_json::from_slice(&hint).map_or(-1, |hint: Hint| hint.version)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(-1),
            Err(error) => Err(error),
        }
    }

    /// Deletes entries and checkpoints of versions before `version`, entries in ascending order, as `is_in_place` wants it.
    pub async fn cut(&self, version: i64) -> Result<()> {
        let folder = format!("{}/_delta_log", self.root);
        let listed: Vec<Object> = self.store.list(&folder).try_collect().await?;
        let of_version = |key: &str| key.rsplit('/').next()?.split('.').next()?.parse::<i64>().ok();
        let mut old: Vec<_> = listed.into_iter().filter_map(|object| Some((of_version(&object.key)?, object.key))).collect();
        old.retain(|(of, _)| *of < version);
        old.sort();
        for (_, key) in old {
            self.store.delete(&key).await?;
        }
        Ok(())
    }

    fn hint(&self) -> String {
        format!("{}/_delta_log/_last_checkpoint", self.root)
    }

    async fn exists(&self, key: &str) -> Result<bool> {
        match self.store.size(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
