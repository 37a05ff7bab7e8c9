//! The replay of one dataset: stages what of the window is not staged yet, a
//! unit at a time, and has the committer take all of it in at the end. It may be
//! stopped at any line: what is recorded is not done again.

use std::sync::Arc;

use futures::future::BoxFuture;
use landfall_catalog::replays::{Replay, Unit};
use landfall_catalog::sinks::SinkLease;
use landfall_model::{DatasetName, LandingId, LoadId, Manifest, Result, crash, limits};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::Committer;
use crate::stage::Staging;

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

async fn staged(staging: Staging, dataset: DatasetName, unit: Unit) -> Result<(Manifest, Option<LandingId>)> {
    match &unit {
        Unit::Range { region, first, last } => Ok((staging.restage_range(&dataset, region, *first, *last).await?, None)),
        Unit::Landing(landing) => Ok((staging.stage_landing(landing).await?, Some(landing.id.clone()))),
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
        let Some(replay) = catalog.lease_replay(self.dataset(), &self.owner).await? else { return Ok(Replayed::Idle) };
        let version = self.committer.definitions().get(self.dataset())?.version;
        if version != replay.version {
            catalog.restart_replay(&replay.id, version).await?;
            return Ok(Replayed::More);
        }
        match catalog.next_unit(&replay).await? {
            Some(unit) => self.stage(&replay, &unit).await,
            None => self.take_in(&replay).await,
        }
    }

    async fn stage(&self, replay: &Replay, unit: &Unit) -> Result<Replayed> {
        let staged = self.while_leased(self.staged_quietly(unit)).await;
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
            self.committer.staging().discard(&manifest).await?;
        }
        crash::point("replay.recorded");
        Ok(Replayed::More)
    }

    async fn staged_quietly(&self, unit: &Unit) -> Result<(Manifest, Option<LandingId>)> {
        let work = staged(self.committer.staging().clone(), self.dataset().clone(), unit.clone());
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
