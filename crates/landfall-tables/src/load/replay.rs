//! The replay of one dataset: stages what of the window is not staged yet, a
//! unit at a time, and has the committer take all of it in at the end. It may be
//! stopped at any line: what is recorded is not done again.
//!
//! What goes into a side table is staged by the replayer of the dataset, and
//! taken in by the replayer of the side table, which has its committer.

use std::sync::Arc;

use futures::future::BoxFuture;
use landfall_catalog::replays::{Replay, Unit};
use landfall_catalog::sinks::SinkLease;
use landfall_model::{DatasetName, Error, LandingId, LoadId, Manifest, Result, crash, limits};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::Committer;
use crate::stage::{Staging, Target};

pub struct Replayer {
    committer: Arc<Committer>,
    owner: String,
    quiet: Option<Handle>,
}

/// What one run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// No replay runs, or another node runs it.
    Idle,
    /// It went on.
    More,
    /// It waits for what is on its way into the table.
    Waits,
}

async fn staged(staging: Staging, dataset: DatasetName, unit: Unit, target: Target) -> Result<(Manifest, Option<LandingId>)> {
    match &unit {
        Unit::Range { region, first, last } => Ok((staging.restage_range(&dataset, region, *first, *last, &target).await?, None)),
        Unit::Landing(landing) => Ok((staging.stage_landing_for(landing, &target).await?, Some(landing.id.clone()))),
    }
}

impl Replayer {
    /// The replayer that the node `owner` keeps beside the committer of a table.
    pub fn new(committer: Arc<Committer>, owner: String) -> Replayer {
        Replayer { committer, owner, quiet: None }
    }

    /// The same, which decodes and encodes on the threads of `runtime`: they give way to all others, and the load that takes
    /// the replay in, which others wait for, does not run there.
    pub fn staging_on(self, runtime: Handle) -> Replayer {
        Replayer { quiet: Some(runtime), ..self }
    }

    pub fn dataset(&self) -> &DatasetName {
        self.committer.dataset()
    }

    /// Stages the next unit, or takes in a replay that is whole.
    pub fn run_once(&self) -> BoxFuture<'_, Result<Replayed>> {
        Box::pin(self.step())
    }

    async fn step(&self) -> Result<Replayed> {
        let catalog = self.committer.catalog();
        let Some(replay) = catalog.lease_replay(self.dataset(), &self.owner).await? else { return self.take_in_beside().await };
        let version = self.committer.definitions().get(self.dataset())?.version;
        if version != replay.version {
            catalog.restart_replay(&replay.id, version).await?;
            return Ok(Replayed::More);
        }
        match catalog.next_unit(&replay).await? {
            Some(unit) => self.stage(&replay, &unit).await,
            None if replay.into.is_some() => Ok(Replayed::Waits),
            None => self.take_in(&replay).await,
        }
    }

    /// Takes in a replay that goes into this table, if it is a side table, once all of it is staged.
    async fn take_in_beside(&self) -> Result<Replayed> {
        let is_side = self.committer.look_up().await?.is_some_and(|record| record.beside.is_some());
        let catalog = self.committer.catalog();
        let replay = if is_side { catalog.replay_into(self.dataset()).await? } else { None };
        match replay {
            None => Ok(Replayed::Idle),
            Some(replay) if catalog.next_unit(&replay).await?.is_some() => Ok(Replayed::Waits),
            Some(replay) => self.take_in(&replay).await,
        }
    }

    /// The table that a replay is staged for, which cannot be dropped while it runs.
    async fn target(&self, replay: &Replay) -> Result<Target> {
        let Some(into) = &replay.into else { return Ok(Target::own(self.dataset())) };
        let record = self.committer.catalog().dataset(into).await?;
        record.map(|record| Target::of(&record)).ok_or_else(|| Error::unavailable("replaying", format!("the table `{into}` is not there")))
    }

    async fn stage(&self, replay: &Replay, unit: &Unit) -> Result<Replayed> {
        let target = self.target(replay).await?;
        let staged = self.while_leased(self.staged_quietly(unit, &target)).await;
        let (manifest, landing) = match staged {
            Ok(staged) => staged,
            Err(error) if error.kind.is_passing() => return Err(error),
            Err(error) => {
                self.committer.catalog().fail_replay(&replay.id, &error).await?;
                return Ok(Replayed::Idle);
            }
        };
        crash::point("replay.staged");
        if !self.committer.catalog().record_replayed(replay, &manifest, landing.as_ref()).await? {
            self.committer.staging().discard_from(&target, &manifest).await?;
        }
        crash::point("replay.recorded");
        Ok(Replayed::More)
    }

    async fn staged_quietly(&self, unit: &Unit, target: &Target) -> Result<(Manifest, Option<LandingId>)> {
        let _core = self.committer.staging().spare_core().await?;
        let work = staged(self.committer.staging().clone(), self.dataset().clone(), unit.clone(), target.clone());
        match &self.quiet {
            // Dropping the handle stops the work, as dropping the future itself would.
            Some(runtime) => {
                AbortOnDropHandle::new(runtime.spawn(work)).await.map_err(|why| landfall_model::Error::internal("replaying", why))?
            }
            None => work.await,
        }
    }

    /// Renews the lease while it works. That it is lost does no harm: of two who stage a unit, one records it.
    async fn while_leased<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let renew = async {
            loop {
                tokio::time::sleep(limits::HEARTBEAT).await;
                if let Err(error) = self.committer.catalog().lease_replay(self.dataset(), &self.owner).await {
                    tracing::warn!(%error, dataset = %self.dataset(), "the lease of a replay could not be renewed");
                }
            }
        };
        tokio::select! {
            done = work => done,
            () = renew => Err(landfall_model::Error::internal("replaying", "its lease ended")),
        }
    }

    async fn take_in(&self, replay: &Replay) -> Result<Replayed> {
        let taken = self.committer.under_lease(|lease| async move { self.load(&lease, replay).await }).await?;
        Ok(if taken == Some(true) { Replayed::More } else { Replayed::Waits })
    }

    async fn load(&self, lease: &SinkLease, replay: &Replay) -> Result<bool> {
        let catalog = self.committer.catalog();
        if let Some(open) = self.committer.settle(lease).await? {
            self.committer.take_in(lease, &open).await?;
            return Ok(true);
        }
        let Some(load) = catalog.number_replay(lease, LoadId::new(catalog.clock()), replay).await? else { return Ok(false) };
        self.committer.take_in(lease, &load).await?;
        tracing::info!(dataset = %self.dataset(), replay = %replay.id, load = load.number, "the table holds the replay");
        Ok(true)
    }
}
