//! The one function that commits to a table. It may be stopped, killed or
//! overtaken at any line: what it writes is the next version of the state it
//! checked, and a version can be written once.

use std::sync::Arc;

use landfall_model::{Column, DataFile, Error, ErrorKind, LoadId, Region, Result, crash, limits};

use super::build;
use super::state::State;
use super::table::Table;

/// What a committer wants of the table.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Nobody with a lower epoch shall commit after this.
    Fence {
        epoch: i64,
    },
    Load(Load),
    /// The same rows in other files.
    Rewrite(Rewrite),
}

/// Files of one partition, and those that hold their rows from now on.
#[derive(Clone, Debug)]
pub struct Rewrite {
    pub epoch: i64,
    pub add: Vec<DataFile>,
    /// Paths.
    pub remove: Vec<String>,
}

/// A numbered commit: rows out and rows in.
#[derive(Clone, Debug)]
pub struct Load {
    pub epoch: i64,
    /// One more than the last load's.
    pub number: i64,
    pub id: LoadId,
    pub add: Vec<DataFile>,
    /// Paths of files whose rows leave, or are in `add` as far as they stay.
    pub remove: Vec<String>,
    /// The columns that `add` may have; the table grows by those it lacks.
    pub columns: Vec<Column>,
    /// Per region the last event that is in the table with this load.
    pub watermarks: Vec<(Region, i64)>,
}

impl Intent {
    pub fn epoch(&self) -> i64 {
        match self {
            Intent::Fence { epoch } => *epoch,
            Intent::Load(load) => load.epoch,
            Intent::Rewrite(rewrite) => rewrite.epoch,
        }
    }

    pub(super) fn add(&self) -> &[DataFile] {
        match self {
            Intent::Fence { .. } => &[],
            Intent::Load(load) => &load.add,
            Intent::Rewrite(rewrite) => &rewrite.add,
        }
    }

    pub(super) fn remove(&self) -> &[String] {
        match self {
            Intent::Fence { .. } => &[],
            Intent::Load(load) => &load.remove,
            Intent::Rewrite(rewrite) => &rewrite.remove,
        }
    }
}

/// The intent is in the table, durably; at this version at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// This call wrote it.
    Now(i64),
    /// It was there before.
    AlreadyThere(i64),
}

impl Committed {
    pub fn version(self) -> i64 {
        match self {
            Committed::Now(version) | Committed::AlreadyThere(version) => version,
        }
    }
}

impl Table {
    /// Errors: `Stale` (a higher epoch has committed, or files that shall leave have left already), `Diverged` (the table's last load is not the one before this),
    /// `Conflict` (a column changed its type), or those of the store, after one more attempt.
    pub async fn commit(&self, intent: &Intent) -> Result<Committed> {
        let mut failed = false;
        crash::point("commit.before");
        for _ in 0..limits::COMMIT_ATTEMPTS_MAX {
            let state = self.refresh().await?;
            if is_in(&state, intent)? {
                return Ok(Committed::AlreadyThere(state.version));
            }
            crash::point("commit.checked");
            match self.write(&state, intent).await {
                Ok(Some(version)) => return Ok(Committed::Now(version)),
                Ok(None) => {}
                // Its answer may have been lost, so look once whether it went in before giving up.
                Err(_) if !failed => failed = true,
                Err(error) => return Err(error),
            }
        }
        let message = format!("{} other commits came first, one after the other; try again", limits::COMMIT_ATTEMPTS_MAX);
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    /// `None`: the version was taken, or the log went on without this state.
    pub(super) async fn write(&self, state: &Arc<State>, intent: &Intent) -> Result<Option<i64>> {
        let version = state.version + 1;
        let entry = build::entry(state, intent, self.clock())?;
        let next = Arc::new(state.apply(version, &entry)?);
        let written = self.log().write(version, entry).await?;
        crash::point("commit.written");
        if !written {
            return Ok(None);
        }
        // A state so old that the log behind it is gone makes a version that nobody will read.
        if !self.log().is_in_place(state.version).await? {
            self.forget();
            return Ok(None);
        }
        self.keep(&next);
        Ok(Some(version))
    }
}

/// Whether the intent is in the table already; an error if it may not go in.
fn is_in(state: &State, intent: &Intent) -> Result<bool> {
    if state.fence > intent.epoch() {
        let message = format!("a committer with epoch {} has taken over from this one with epoch {}", state.fence, intent.epoch());
        return Err(Error::new(ErrorKind::Stale, message));
    }
    let load = match intent {
        Intent::Fence { epoch } => return Ok(state.fence == *epoch && state.version >= 0),
        Intent::Rewrite(_) => return all_there(state, intent).map(|()| false),
        Intent::Load(load) => load,
    };
    if state.load == load.number && state.load_id == Some(load.id) {
        return Ok(true);
    }
    if state.load != load.number - 1 {
        let message =
            format!("the table's last load is {}, so load {} cannot come next; run `landfall reconcile`", state.load, load.number);
        return Err(Error::new(ErrorKind::Diverged, message));
    }
    for (region, seq) in &load.watermarks {
        let there = state.watermark(region);
        if *seq < there {
            let message =
                format!("the table has the events of `{region}` up to {there}; load {} would set that back to {seq}", load.number);
            return Err(Error::new(ErrorKind::Diverged, message));
        }
    }
    all_there(state, intent).map(|()| false)
}

/// What replaces a file holds the rows that the file had when it was read, so the file must still be there.
fn all_there(state: &State, intent: &Intent) -> Result<()> {
    let Some(path) = intent.remove().iter().find(|path| !state.files.contains_key(*path)) else { return Ok(()) };
    let message = format!("the table went on: `{path}` is not in it any more; look at it anew");
    Err(Error::new(ErrorKind::Stale, message))
}
