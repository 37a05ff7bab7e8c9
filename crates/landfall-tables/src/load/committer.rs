//! The committer of one dataset's table. Each run takes one step that leaves
//! everything in order, and may be stopped at any line of it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use landfall_catalog::datasets::DatasetRecord;
use landfall_catalog::loads::Load;
use landfall_catalog::sinks::SinkLease;
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{DataFile, DatasetName, Error, ErrorKind, LoadId, Result, crash, limits};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use super::events::EventRange;
use super::reconcile::{Ledger, Standing, compare};
use crate::delta::{self, Intent, Leaving, Share, State, Table, Tables};
use crate::stage::{Staging, Target};

/// What one run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing waits, or another node commits to this table.
    Idle,
    /// A load went in; there may be more to load.
    Loaded,
    /// Events wait and gather for that long.
    Gathering(Duration),
}

pub struct Committer {
    catalog: Catalog,
    definitions: Definitions,
    tables: Tables,
    /// As it was when the dataset was looked up last.
    table: RwLock<Table>,
    dataset: DatasetName,
    owner: String,
    events: EventRange,
    lease: Mutex<Option<SinkLease>>,
}

impl Committer {
    /// The committer that the node `owner` keeps for `dataset`.
    pub fn new(
        catalog: Catalog,
        definitions: Definitions,
        tables: &Tables,
        staging: Staging,
        dataset: DatasetName,
        owner: String,
    ) -> Committer {
        let (tables, table) = (tables.clone(), RwLock::new(tables.get(&dataset)));
        let events = EventRange::new(catalog.clone(), staging, dataset.clone());
        Committer { catalog, definitions, tables, table, dataset, owner, events, lease: Mutex::new(None) }
    }

    pub fn dataset(&self) -> &DatasetName {
        &self.dataset
    }

    /// How long the events of this table gather at the most.
    pub fn linger(&self) -> Duration {
        self.events.linger()
    }

    /// Takes the next step, if there is one. After any error the lease is looked at anew.
    pub fn run_once(&self) -> BoxFuture<'_, Result<Step>> {
        Box::pin(self.next_step())
    }

    /// The dataset as it is now, with its table at hand; `None` where it was a side table and is dropped.
    pub(crate) async fn look_up(&self) -> Result<Option<Arc<DatasetRecord>>> {
        let known = self.definitions.all().get(&self.dataset).cloned();
        let record = match known {
            Some(record) if record.beside.is_none() => Some(record),
            // A side table may have been dropped and made anew under its name: the catalog alone knows at any moment.
            _ => self.catalog.dataset(&self.dataset).await?.map(Arc::new),
        };
        if let Some(record) = &record {
            *self.table.write() = self.tables.of(record);
        }
        Ok(record)
    }

    async fn next_step(&self) -> Result<Step> {
        if self.look_up().await?.is_none() {
            return Ok(Step::Idle);
        }
        let gathering = self.events.gathering().await?;
        let due = gathering == Some(Duration::ZERO);
        if !due && !self.catalog.load_waits(&self.dataset).await? {
            return Ok(gathering.map_or(Step::Idle, Step::Gathering));
        }
        let step = self.under_lease(|lease| async move { self.step(&lease, due).await }).await?;
        Ok(step.unwrap_or(Step::Idle))
    }

    /// Runs `work` as the one committer of the table, between two of its steps; `None` where another node is the committer.
    pub(crate) async fn under_lease<T, F>(&self, work: impl FnOnce(SinkLease) -> F) -> Result<Option<T>>
    where
        F: Future<Output = Result<T>>,
    {
        let mut held = self.lease.lock().await;
        if let Some(why) = self.catalog.diverged(&self.dataset).await? {
            return Err(Error::new(ErrorKind::Diverged, why));
        }
        let lease = match held.take() {
            Some(lease) if self.catalog.renew_sink(&lease).await? => lease,
            _ => match self.take_over().await? {
                Some(lease) => lease,
                None => return Ok(None),
            },
        };
        let done = self.under(&lease, work(lease.clone())).await?;
        *held = Some(lease);
        Ok(Some(done))
    }

    /// Gives the lease back, so that the next node need not wait for its end.
    pub async fn release(&self) -> Result<()> {
        match self.lease.lock().await.take() {
            Some(lease) => self.catalog.release_sink(&lease).await,
            None => Ok(()),
        }
    }

    /// Takes the lease; after an unclean end of the one before, the table hears the new epoch before anything else.
    async fn take_over(&self) -> Result<Option<SinkLease>> {
        let Some(lease) = self.catalog.acquire_sink(&self.dataset, &self.owner).await? else {
            return Ok(None);
        };
        crash::point("load.acquired");
        // The lease is of the table that is there now.
        if self.look_up().await?.is_none() {
            return Ok(None);
        }
        if !lease.clean && self.table().refresh().await?.version >= 0 {
            self.table().commit(&Intent::Fence { epoch: lease.epoch }).await?;
            crash::point("load.fenced");
        }
        Ok(Some(lease))
    }

    /// Runs `work` while the lease is renewed; ends it where the lease is lost.
    async fn under<T>(&self, lease: &SinkLease, work: impl Future<Output = Result<T>>) -> Result<T> {
        let keep = async {
            loop {
                tokio::time::sleep(limits::HEARTBEAT).await;
                match self.catalog.renew_sink(lease).await {
                    Ok(true) => {}
                    Ok(false) => return Error::new(ErrorKind::Stale, format!("the lease on the table of `{}` was lost", self.dataset)),
                    Err(error) => tracing::warn!(%error, dataset = %self.dataset, "the lease on the table could not be renewed"),
                }
            }
        };
        tokio::select! {
            done = work => done,
            lost = keep => Err(lost),
        }
    }

    async fn step(&self, lease: &SinkLease, due: bool) -> Result<Step> {
        let open = match self.settle(lease).await? {
            Some(open) => open,
            None => {
                if due {
                    self.events.stage(lease).await?;
                }
                match self.catalog.number_load(lease, LoadId::new(self.catalog.clock())).await? {
                    Some(load) => load,
                    None => return Ok(Step::Idle),
                }
            }
        };
        self.take_in(lease, &open).await?;
        Ok(Step::Loaded)
    }

    /// Brings a numbered load into the table, and marks it done.
    pub(crate) async fn take_in(&self, lease: &SinkLease, load: &Load) -> Result<()> {
        crash::point("load.numbered");
        let version = self.commit(lease, load).await?;
        crash::point("load.sink_committed");
        self.catalog.finish_load(lease, load, version).await?;
        crash::point("load.done");
        Ok(())
    }

    /// Makes table and catalog agree; returns the open load that still must go in.
    pub(crate) async fn settle(&self, lease: &SinkLease) -> Result<Option<Load>> {
        let open = self.catalog.open_load(&self.dataset).await?;
        let (last, last_id) = self.catalog.last_load(&self.dataset).await?;
        let ledger = Ledger { last, last_id, open };
        let state = self.table().refresh().await?;
        match compare(lease, &state, &ledger) {
            Ok(Standing::Agreed) => Ok(ledger.open),
            Ok(Standing::OpenIsIn) => {
                if let Some(open) = &ledger.open {
                    self.catalog.finish_load(lease, open, state.version).await?;
                }
                Ok(None)
            }
            Err(error) => {
                self.catalog.mark_diverged(lease, &error).await?;
                Err(error)
            }
        }
    }

    /// Commits the frozen load to the table: the same rows in and out however often it is tried. What stays of files that
    /// rows leave is written anew for each try, from the table as it is then.
    async fn commit(&self, lease: &SinkLease, load: &Load) -> Result<i64> {
        let dropped = || Error::new(ErrorKind::Stale, format!("the table `{}` was dropped", self.dataset));
        let record = self.look_up().await?.ok_or_else(dropped)?;
        let columns = self.events.staging().table_columns(&record).await?;
        let state = self.table().refresh().await?;
        let mut add: Vec<DataFile> = load.manifests.iter().flat_map(|manifest| manifest.files.clone()).collect();
        let leaving = match &load.replay {
            Some(window) => Leaving::replayed(window.clone()),
            None => Leaving::new(&load.removals, load.expiry.clone()),
        };
        let remove = self.take_out(lease, &state, leaving, &mut add).await?;
        let intent = Intent::Load(delta::Load {
            epoch: lease.epoch,
            number: load.number,
            id: load.id,
            add,
            remove,
            columns,
            // A batch that was tried again lies behind the watermark and moves nothing.
            watermarks: load.watermarks().into_iter().filter(|(region, seq)| *seq > state.watermark(region)).collect(),
        });
        Ok(self.table().commit(&intent).await?.version())
    }

    /// The paths of files that rows leave; what stays of them is written to new files, behind `add`.
    async fn take_out(&self, lease: &SinkLease, state: &State, leaving: Leaving, add: &mut Vec<DataFile>) -> Result<Vec<String>> {
        if leaving.is_empty() {
            return Ok(Vec::new());
        }
        let files = leaving.files(state);
        let remove = files.iter().map(|(file, _)| file.data.path.clone()).collect();
        let read: Vec<_> = files.into_iter().filter(|(_, share)| *share == Share::Some).map(|(file, _)| file).collect();
        if !read.is_empty() {
            let rewritten = self.staging().rewrite(&self.target(), read, leaving, Arc::clone(&state.schema)).await?;
            crash::point("load.rewritten");
            self.catalog.claim_paths(lease, &rewritten.id, rewritten.files.len()).await?;
            add.extend(rewritten.files);
        }
        Ok(remove)
    }

    pub(crate) fn staging(&self) -> &Staging {
        self.events.staging()
    }

    pub(crate) fn table(&self) -> Table {
        self.table.read().clone()
    }

    /// Where rows go that are written anew.
    pub(crate) fn target(&self) -> Target {
        Target { dataset: self.dataset.clone(), root: self.table().root().to_owned() }
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(crate) fn definitions(&self) -> &Definitions {
        &self.definitions
    }
}
