//! The whole program, wired: it reads like the diagram in ARCHITECTURE.md, from
//! the doors down to the store and the catalog and up again to the answers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use landfall_access::Gate;
use landfall_access::admin::{AdminKey, admin_key};
use landfall_access::http::with_fallbacks;
use landfall_access::master::master_key;
use landfall_catalog::{Catalog, Definitions};
use landfall_land::Land;
use landfall_model::{Clock, Dataset, DatasetName, Error, ErrorKind, Region, Result, Schedule, limits};
use landfall_query::Queries;
use landfall_query::live::Live;
use landfall_server::{Control, Scrape};
use landfall_sources::http::Http;
use landfall_sources::s3::S3Door;
use landfall_store::{FolderLock, Store};
use landfall_tables::delta::Tables;
use landfall_tables::keep::Keeper;
use landfall_tables::load::{Committer, Replayer};
use landfall_tables::stage::Staging;
use landfall_upkeep::schedules::RunSchedule;
use landfall_upkeep::{
    Archive, ExpireReceipts, RescueJobs, Runner, Seal, SweepPaths, SweepSegments, SweepUploads, TrimBreaches, WatchServices,
};
use landfall_worker::{StageJob, Worker};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::roles::Roles;
use crate::wiring::{Background, Commit, Keep, Listener, QueryAnswers, Replay, RetireSegments, Schedules, SettleMetrics, TableStager};

/// What a node is started with: the configuration, resolved.
pub struct Settings {
    pub data: PathBuf,
    pub region: Region,
    pub public_url: Option<String>,
    pub catalog_url: String,
    pub store_url: String,
    pub archive_url: Option<String>,
    /// `None`: the door is closed.
    pub http: Option<String>,
    pub s3: Option<String>,
    pub datasets: Vec<Dataset>,
    pub schedules: Vec<Schedule>,
    pub roles: Roles,
    pub keys: GivenKeys,
}

/// Keys that the environment gives; what it does not is made and kept in the data folder.
#[derive(Default)]
pub struct GivenKeys {
    /// What `LANDFALL_ADMIN_KEY` says.
    pub admin: Option<String>,
    /// What `LANDFALL_MASTER_KEY` says.
    pub master: Option<String>,
}

/// A node that runs.
pub struct Running {
    pub http: Option<SocketAddr>,
    pub s3: Option<SocketAddr>,
    pub admin: AdminKey,
    catalog: Catalog,
    land: Land,
    listener: Arc<Listener>,
    region: Region,
    stop: CancellationToken,
    doors: TaskTracker,
    work: TaskTracker,
    upkeep: Arc<Runner>,
    _background: Background,
    // Held as long as the node runs: a second one on the same folder is refused.
    _lock: FolderLock,
}

impl Running {
    /// Takes other definitions in place of those the node was started with.
    pub async fn reload(&self, datasets: Vec<Dataset>, schedules: Vec<Schedule>) -> Result<()> {
        self.catalog.declare(self.region.clone(), datasets).await?;
        landfall_schedules::Schedules::new(self.catalog.clone()).declare(schedules).await?;
        self.listener.refresh().await
    }

    /// Stops accepting, finishes what is under way or hands it back, and closes the catalog.
    pub async fn stop(self) {
        self.land.close();
        self.stop.cancel();
        self.doors.close();
        self.work.close();
        self.doors.wait().await;
        self.work.wait().await;
        self.upkeep.finish().await;
        self.catalog.close().await;
    }
}

/// The handles that everything else is made of.
struct Parts {
    clock: Clock,
    catalog: Catalog,
    store: Store,
    definitions: Definitions,
    gate: Gate,
    tables: Tables,
    staging: Staging,
    scrape: Scrape,
    /// The name under which this node holds leases.
    owner: String,
}

/// Starts a node. When it returns, its doors are open and what an earlier run left undone is being finished.
pub async fn start(settings: Settings, clock: Clock) -> Result<Running> {
    let lock = FolderLock::acquire(&settings.data)?;
    let admin = admin_key(&settings.data, settings.keys.admin.as_deref(), &clock)?;
    let parts = open(&settings, &admin, clock).await?;
    let stop = CancellationToken::new();

    parts.catalog.declare(settings.region.clone(), settings.datasets.clone()).await?;
    landfall_schedules::Schedules::new(parts.catalog.clone()).declare(settings.schedules.clone()).await?;
    let background = Background::start()?;
    let upkeep = Arc::new(Runner::new(parts.catalog.clone(), stop.clone(), background.handle.clone()));
    upkeep.spawn(Arc::new(SettleMetrics(parts.scrape.clone())));
    let land = Land::new(
        parts.gate.clone(),
        parts.catalog.clone(),
        parts.store.clone(),
        parts.definitions.clone(),
        parts.clock.clone(),
        settings.region.clone(),
    );
    let queries = if settings.roles.query || settings.roles.upkeep { Some(queries(&settings, &parts)?) } else { None };
    let schedules = schedules(&parts, &upkeep, &land, queries.clone().filter(|_| settings.roles.upkeep));
    let committers = committers(&parts, &upkeep, settings.roles, background.quiet.clone());
    let listener = Listener::new(parts.catalog.clone(), parts.definitions.clone(), parts.gate.clone(), committers, schedules);
    listener.refresh().await?;
    let work = TaskTracker::new();
    work.spawn(listener.clone().listen(stop.clone()));
    if settings.roles.work {
        start_work(&parts, &work, &stop, &background.handle);
    }
    if settings.roles.upkeep {
        start_upkeep(&parts, &upkeep);
    }

    upkeep.spawn(Arc::new(RetireSegments(land.clone())));

    let doors = TaskTracker::new();
    let http = match &settings.http {
        Some(address) => Some(open_door("http", address, routes(&settings, &parts, &land, queries), &doors, &stop).await?),
        None => None,
    };
    let s3 = match settings.s3.as_ref().filter(|_| settings.roles.ingest) {
        Some(address) => Some(open_door("s3", address, s3(&settings, &parts, &land), &doors, &stop).await?),
        None => None,
    };
    if let Some(address) = http {
        lock.note(&format!("http://{address}"))?;
    }
    Ok(Running {
        http,
        s3,
        admin,
        catalog: parts.catalog,
        land,
        listener,
        region: settings.region,
        stop,
        doors,
        work,
        upkeep,
        _background: background,
        _lock: lock,
    })
}

async fn open(settings: &Settings, admin: &AdminKey, clock: Clock) -> Result<Parts> {
    let scrape = landfall_server::install_recorder()?;
    let mut store = Store::open(&settings.store_url.parse()?, clock.clone()).await?;
    if let Some(archive) = &settings.archive_url {
        store = store.with_archive(Store::open(&archive.parse()?, clock.clone()).await?);
    }
    let catalog = Catalog::open(&settings.catalog_url, clock.clone()).await?;
    if !catalog.is_shared() {
        catalog.abandon_leases().await?;
    }
    let definitions = Definitions::default();
    let master = master_key(&settings.data, settings.keys.master.as_deref(), &clock)?;
    let gate = Gate::new(admin.secret.reveal(), master);
    let tables = Tables::new(store.clone(), clock.clone());
    let staging = Staging::new(catalog.clone(), store.clone(), definitions.clone(), clock.clone());
    let owner = format!("{}-{}", std::process::id(), hex::encode(clock.random_bytes::<4>()));
    Ok(Parts { clock, catalog, store, definitions, gate, tables, staging, scrape, owner })
}

/// How a dataset gets its committer on this node.
fn committers(parts: &Parts, upkeep: &Arc<Runner>, roles: Roles, quiet: Handle) -> Box<dyn Fn(DatasetName) + Send + Sync> {
    if !roles.work {
        return Box::new(|_| {});
    }
    let (catalog, definitions, tables) = (parts.catalog.clone(), parts.definitions.clone(), parts.tables.clone());
    let (staging, owner, upkeep) = (parts.staging.clone(), parts.owner.clone(), upkeep.clone());
    Box::new(move |dataset| {
        let committer = Committer::new(catalog.clone(), definitions.clone(), &tables, staging.clone(), dataset, owner.clone());
        let committer = Arc::new(committer);
        upkeep.spawn(Arc::new(Keep(Keeper::new(committer.clone()))));
        upkeep.spawn(Arc::new(Replay(Replayer::new(committer.clone(), owner.clone()).staging_on(quiet.clone()))));
        upkeep.spawn(Arc::new(Commit(committer)));
    })
}

/// How a schedule gets its task on this node, where it has what answers.
fn schedules(parts: &Parts, upkeep: &Arc<Runner>, land: &Land, queries: Option<Queries>) -> Schedules {
    let Some(queries) = queries else { return Schedules::new(Box::new(|_| {})) };
    let (catalog, land, owner, upkeep) = (parts.catalog.clone(), land.clone(), parts.owner.clone(), upkeep.clone());
    let answers = Arc::new(QueryAnswers(queries));
    Schedules::new(Box::new(move |name| {
        upkeep.spawn(Arc::new(RunSchedule::new(catalog.clone(), land.clone(), answers.clone(), name, owner.clone())));
    }))
}

fn start_work(parts: &Parts, work: &TaskTracker, stop: &CancellationToken, runtime: &Handle) {
    let stage = StageJob::new(parts.catalog.clone(), Arc::new(TableStager(parts.staging.clone())));
    let worker = Worker::new(parts.catalog.clone(), parts.clock.clone(), parts.owner.clone(), limits::JOBS_AT_ONCE, vec![Arc::new(stage)]);
    work.spawn_on(worker.run(stop.clone()), runtime);
}

fn start_upkeep(parts: &Parts, upkeep: &Runner) {
    upkeep.spawn(Arc::new(RescueJobs(parts.catalog.clone())));
    upkeep.spawn(Arc::new(ExpireReceipts(parts.catalog.clone())));
    upkeep.spawn(Arc::new(WatchServices::new(parts.catalog.clone())));
    upkeep.spawn(Arc::new(TrimBreaches(parts.catalog.clone())));
    upkeep.spawn(Arc::new(SweepPaths { catalog: parts.catalog.clone(), store: parts.store.clone() }));
    upkeep.spawn(Arc::new(SweepSegments { catalog: parts.catalog.clone(), store: parts.store.clone() }));
    let (catalog, store, definitions) = (parts.catalog.clone(), parts.store.clone(), parts.definitions.clone());
    upkeep.spawn(Arc::new(Seal { catalog: catalog.clone(), store: store.clone(), definitions: definitions.clone() }));
    upkeep.spawn(Arc::new(Archive { catalog, store, definitions }));
    upkeep.spawn(Arc::new(SweepUploads { catalog: parts.catalog.clone(), store: parts.store.clone(), clock: parts.clock.clone() }));
}

/// Opens a door at the address that `name` has in [listen], and serves `router` there until `stop`.
async fn open_door(name: &str, address: &str, router: Router, doors: &TaskTracker, stop: &CancellationToken) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("cannot listen on {address}: {error}; set `{name}` in [listen] to another address, or stop who has it"),
        )
    })?;
    let bound = listener.local_addr().map_err(|error| Error::unavailable("asking for the address of a door", error))?;
    let stopped = stop.clone();
    doors.spawn(async move {
        let cut_off = landfall_sources::http::serve(listener, router, stopped).await;
        if cut_off > 0 {
            tracing::warn!(cut_off, "connections were cut off at the end of the drain");
        }
    });
    Ok(bound)
}

/// What the S3 door answers.
fn s3(settings: &Settings, parts: &Parts, land: &Land) -> Router {
    let (gate, catalog, store, definitions) = (parts.gate.clone(), parts.catalog.clone(), parts.store.clone(), parts.definitions.clone());
    S3Door::new(land.clone(), gate, catalog, store, definitions, settings.region.to_string()).router()
}

/// Every route of the HTTP door, and the document that describes them.
fn routes(settings: &Settings, parts: &Parts, land: &Land, queries: Option<Queries>) -> Router {
    let queries = queries.filter(|_| settings.roles.query);
    let (catalog, definitions, gate) = (parts.catalog.clone(), parts.definitions.clone(), parts.gate.clone());
    let (tables, scrape) = (parts.tables.clone(), parts.scrape.clone());
    let control = Control::new(catalog.clone(), tables, definitions.clone(), gate.clone(), queries, scrape);
    let mut routes = control.router();
    if settings.roles.ingest {
        routes = routes.merge(Http::new(land.clone(), gate, catalog, parts.store.clone(), definitions).router());
    }
    let (router, described) = routes.split_for_parts();
    let document = landfall_server::document(described, settings.public_url.as_deref());
    with_fallbacks(router.route("/openapi.json", get(async move || Json(document.clone()))))
}

/// The description of the whole HTTP interface, as JSON.
pub fn openapi(public_url: Option<&str>) -> String {
    let mut described = Control::described();
    described.merge(Http::described());
    landfall_server::document(described, public_url).to_pretty_json().unwrap_or_default()
}

fn queries(settings: &Settings, parts: &Parts) -> Result<Queries> {
    let live = Live::new(parts.catalog.clone(), parts.definitions.clone(), parts.tables.clone());
    Queries::new(parts.catalog.clone(), parts.definitions.clone(), live, parts.gate.clone(), &settings.data.join("spill"))
}
