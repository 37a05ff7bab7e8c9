//! The table's log: a checkpoint when enough versions came, or when something
//! was purged; and the entries before it deleted once nobody can be reading them,
//! since they tell of rows that are gone. The catalog's list of loads is cut off with them.

use landfall_model::{Result, crash, limits};

use super::{Keeper, READ_MAX};

impl Keeper {
    pub(super) async fn keep_log(&self) -> Result<bool> {
        let (table, catalog) = (self.committer.table(), self.committer.catalog());
        let state = table.refresh().await?;
        if state.version < 0 {
            return Ok(false);
        }
        let kept = catalog.kept_log(self.dataset()).await?;
        let checkpointed = table.checkpointed().await?;
        let due = state.version - checkpointed >= limits::CHECKPOINT_VERSIONS || kept.purge_version > checkpointed;
        let cut_off = kept.from > kept.begins;
        if cut_off && kept.from_at.plus(READ_MAX) <= self.now() {
            table.cut_log(kept.from).await?;
            crash::point("log.cut");
            catalog.log_was_cut(self.dataset(), kept.from).await?;
            return Ok(true);
        }
        if due {
            catalog.trim_loads(self.dataset(), 1000).await?;
            table.checkpoint().await?;
            crash::point("log.checkpointed");
        }
        let newest = table.checkpointed().await?;
        if !cut_off && newest > kept.begins {
            catalog.cut_log_at(self.dataset(), newest).await?;
            return Ok(true);
        }
        Ok(due)
    }
}
