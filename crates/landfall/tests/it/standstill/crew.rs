//! The work of one node inside the test's own process: a worker and committers,
//! wired as the program wires them, on a thread and a runtime of their own, so
//! that a standstill halts all of it at once, heartbeats too.

#[path = "../../../src/wiring/commit.rs"]
mod commit;
#[path = "../../../src/wiring/stager.rs"]
mod stager;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use landfall_catalog::Definitions;
use landfall_model::crash::Standstill;
use landfall_model::{Clock, limits};
use landfall_store::Store;
use landfall_tables::delta::Tables;
use landfall_tables::load::Committer;
use landfall_tables::stage::Staging;
use landfall_upkeep::Runner;
use landfall_worker::{StageJob, Worker};
use tokio_util::sync::CancellationToken;

use super::site::{DATASETS, Site};
use crate::node::eventually;

pub struct Crew {
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

impl Crew {
    /// Starts to work under the name `owner`; stands still where it is told to.
    pub fn start(site: &Site, owner: &str, standstill: Option<Arc<Standstill>>) -> Crew {
        let stop = CancellationToken::new();
        let (catalog, definitions, folder) = (site.catalog.clone(), site.definitions.clone(), site.store_folder());
        let (owner, stopped) = (owner.to_owned(), stop.clone());
        let thread = std::thread::spawn(move || {
            if let Some(standstill) = standstill {
                standstill.arm();
            }
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let store = Store::local(&folder, Clock::system()).unwrap();
                work(catalog, definitions, store, owner, stopped).await;
            });
        });
        Crew { stop, thread }
    }

    /// Takes nothing more up from here on.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Returns when what was under way has come to its end and the leases are given back.
    pub async fn ended(self) {
        eventually("a crew has ended", Duration::from_secs(30), async || self.thread.is_finished().then_some(())).await;
        self.thread.join().unwrap();
    }
}

async fn work(catalog: landfall_catalog::Catalog, definitions: Definitions, store: Store, owner: String, stop: CancellationToken) {
    let clock = Clock::system();
    let tables = Tables::new(store.clone(), clock.clone());
    let staging = Staging::new(catalog.clone(), store, definitions.clone(), clock.clone());
    let upkeep = Runner::new(catalog.clone(), stop.clone(), tokio::runtime::Handle::current());
    for dataset in DATASETS {
        let dataset = dataset.parse().unwrap();
        let committer = Committer::new(catalog.clone(), definitions.clone(), &tables, staging.clone(), dataset, owner.clone());
        upkeep.spawn(Arc::new(commit::Commit(Arc::new(committer))));
    }
    let stage = StageJob::new(catalog.clone(), Arc::new(stager::TableStager(staging)));
    Worker::new(catalog, clock, owner, limits::JOBS_AT_ONCE, vec![Arc::new(stage)]).run(stop).await;
    upkeep.finish().await;
}
