//! One node inside the test: everything that works in it, one step at a time,
//! on a clock that stands still until it is moved. It can be crashed at any
//! point that it passes, and started again on what it left behind.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use landfall_access::{Context, Gate, MasterKey};
use landfall_catalog::beside::Beside;
use landfall_catalog::landings::Body;
use landfall_catalog::replays::Replay;
use landfall_catalog::testing::TestCatalog;
use landfall_catalog::{Catalog, Definitions};
use landfall_land::{Land, Put};
use landfall_model::crash::{self, Fell};
use landfall_model::{
    Clock, Column, Condition, Dataset, DatasetName, FileKey, LandingId, Region, Result, Schedule, Source, Timestamp, Window,
};
use landfall_query::live::Live;
use landfall_query::{Format, Queries, encode};
use landfall_schedules::Schedules;
use landfall_store::{Store, keys};
use landfall_tables::delta::Tables;
use landfall_tables::events::Bodies;
use landfall_tables::keep::Keeper;
use landfall_tables::load::{Committer, Replayed, Replayer, Step};
use landfall_tables::stage::Staging;
use landfall_upkeep::schedules::{Answered, Answers, RunSchedule};
use landfall_upkeep::{Archive, Seal, Status, SweepPaths, SweepSegments, Task};
use landfall_worker::{Job, StageJob, Stager};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::bucket::Bucket;
use crate::node::ADMIN_KEY;

/// The names of the side tables that a test may make.
pub const SIDES: [&str; 3] = ["beside_a", "beside_b", "beside_c"];

pub struct World {
    place: TestCatalog,
    bucket: Option<Bucket>,
    folder: tempfile::TempDir,
    datasets: Vec<Dataset>,
    schedules: Vec<Schedule>,
    pub clock: Clock,
    node: Node,
    /// How often it was started.
    pub lives: usize,
}

/// What dies with a crash.
struct Node {
    gate: Gate,
    definitions: Definitions,
    catalog: Catalog,
    store: Store,
    tables: Tables,
    land: Land,
    queries: Queries,
    stage: StageJob,
    committers: BTreeMap<DatasetName, Arc<Committer>>,
    keepers: BTreeMap<DatasetName, Keeper>,
    replayers: Vec<Replayer>,
    seal: Seal,
    paths: SweepPaths,
    segments: SweepSegments,
    archive: Archive,
    schedules: Vec<RunSchedule>,
    cold: Store,
}

async fn land_events(land: &Land, catalog: &Catalog, dataset: &DatasetName, ids: std::ops::RangeInclusive<usize>) -> LandingId {
    let lines: Vec<_> = ids.map(|id| format!("{{\"id\":{id},\"text\":\"event {id}\"}}")).collect();
    let first = land.events(&admin(), dataset, lines.join("\n").into(), None).await.unwrap().first_id;
    catalog.batch_of(dataset, &first.region, first.seq).await.unwrap().unwrap().id
}

struct Stages(Staging);

impl Stager for Stages {
    fn stage<'a>(&'a self, landing: &'a landfall_model::Landing) -> BoxFuture<'a, Result<landfall_model::Manifest>> {
        self.0.stage_landing(landing)
    }

    fn discard<'a>(&'a self, manifest: &'a landfall_model::Manifest) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.discard(manifest))
    }
}

struct Asks(Queries);

impl Answers for Asks {
    fn sources(&self, sql: &str) -> Result<Vec<DatasetName>> {
        self.0.sources(sql)
    }

    fn answer<'a>(&'a self, context: &'a Context, schedule: &'a Schedule, window: Window) -> BoxFuture<'a, Result<Answered>> {
        Box::pin(async move {
            let answer = self.0.run_window(context, &schedule.sql, window).await?;
            let columns = answer.columns.iter().map(|column| Column::new(&column.name, column.kind.parse().unwrap())).collect();
            Ok(Answered { columns, bytes: encode(answer, Format::Ndjson) })
        })
    }
}

/// Work of the background, as the driver chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Stage,
    Load,
    Keep,
    Seal,
    Archive,
    Replay,
    Sweep,
    Run,
}

impl Work {
    pub const ALL: [Work; 8] = [Work::Stage, Work::Load, Work::Keep, Work::Seal, Work::Archive, Work::Replay, Work::Sweep, Work::Run];
}

pub fn admin() -> Context {
    Context::administrator(Source::Http)
}

impl World {
    pub async fn new(place: TestCatalog, datasets: Vec<Dataset>, seed: u64) -> World {
        World::on(place, None, datasets, seed).await
    }

    /// The same with its objects in a bucket.
    pub async fn on(place: TestCatalog, bucket: Option<Bucket>, datasets: Vec<Dataset>, seed: u64) -> World {
        let folder = tempfile::tempdir().unwrap();
        // A morning in spring.
        let clock = Clock::fixed(Timestamp(1_772_000_000_000_000), seed);
        let node = Node::start(&place, bucket.as_ref(), folder.path(), &datasets, &[], &clock, 1).await;
        World { place, bucket, folder, datasets, schedules: Vec::new(), clock, node, lives: 1 }
    }

    /// The same with schedules, from now on.
    pub async fn with_schedules(mut self, schedules: Vec<Schedule>) -> World {
        self.schedules = schedules;
        self.restart().await;
        self
    }

    pub fn schedules(&self) -> Schedules {
        Schedules::new(self.node.catalog.clone())
    }

    pub fn catalog(&self) -> &Catalog {
        &self.node.catalog
    }

    /// Closes or crashes, and starts again.
    pub async fn restart(&mut self) {
        self.lives += 1;
        self.node.catalog.close().await;
        let (folder, bucket) = (self.folder.path(), self.bucket.as_ref());
        self.node = Node::start(&self.place, bucket, folder, &self.datasets, &self.schedules, &self.clock, self.lives).await;
    }

    /// Gives a dataset another transform.
    pub async fn redefine(&mut self, name: &DatasetName, transform: String) {
        for dataset in self.datasets.iter_mut().filter(|dataset| dataset.name == *name) {
            dataset.transform = Some(transform.clone());
        }
        self.node.catalog.declare(Region::default(), self.datasets.clone()).await.unwrap();
        self.node.definitions.refresh(&self.node.catalog).await.unwrap();
    }

    /// Begins a replay into a side table, and lets this node know of the table.
    pub async fn replay_beside(&self, dataset: &DatasetName, into: &DatasetName, from: Timestamp, to: Timestamp) -> Result<Replay> {
        let replay = self.node.catalog.begin_replay_into(dataset, Some(into), from, to, "test").await?;
        self.node.definitions.refresh(&self.node.catalog).await?;
        Ok(replay)
    }

    /// Nobody keeps the table `name` until the next start.
    pub fn rest(&mut self, name: &DatasetName) {
        self.node.keepers.remove(name);
    }

    /// Drops a side table as the server does.
    pub async fn drop_side(&self, name: &DatasetName) -> Result<()> {
        let (of, unread_from) = (name.clone(), self.clock.now().plus(Duration::from_secs(660)));
        let folder = move |beside: &Beside| format!("{}/", keys::side_table_root(&of, &beside.made_by));
        self.node.catalog.drop_side_table(name, folder, unread_from).await?;
        self.node.definitions.refresh(&self.node.catalog).await
    }

    /// Does one piece of work, or falls after `points`: then the name of the point.
    pub async fn work(&self, work: Work, points: Option<u64>) -> Option<&'static str> {
        crash::fall_at(points);
        let done = AssertUnwindSafe(self.node.work(work)).catch_unwind().await;
        crash::fall_at(None);
        match done {
            Ok(done) => {
                done.unwrap_or_else(|error| panic!("{work:?}: {error}"));
                None
            }
            Err(fell) => match fell.downcast_ref::<Fell>() {
                Some(Fell(point)) => Some(point),
                None => std::panic::resume_unwind(fell),
            },
        }
    }

    /// Works until nothing is left to do at this moment.
    pub async fn settle(&self) {
        for _ in 0..1000 {
            let mut did = false;
            for work in Work::ALL {
                did |= self.node.work(work).await.unwrap_or_else(|error| panic!("{work:?}: {error}"));
            }
            if !did {
                return;
            }
        }
        panic!("the work does not end");
    }

    /// Lands events and returns the id of the landing.
    pub async fn events(&self, dataset: &DatasetName, ids: std::ops::RangeInclusive<usize>) -> LandingId {
        land_events(&self.node.land, &self.node.catalog, dataset, ids).await
    }

    /// The same through another node, whose clock says `at`.
    pub async fn events_at(&self, dataset: &DatasetName, ids: std::ops::RangeInclusive<usize>, at: Timestamp) -> LandingId {
        let Node { gate, catalog, store, definitions, .. } = &self.node;
        let (gate, catalog, store) = (gate.clone(), catalog.clone(), store.clone());
        let land = Land::new(gate, catalog, store, definitions.clone(), Clock::fixed(at, 99), Region::default());
        land_events(&land, &self.node.catalog, dataset, ids).await
    }

    /// Puts a file of `rows` rows that all say `version`.
    pub async fn put(&self, dataset: &DatasetName, key: &str, version: usize, rows: usize) -> LandingId {
        let mut text = String::from("version,row,text\n");
        for row in 0..rows {
            text.push_str(&format!("{version},{row},row {row} of version {version}\n"));
        }
        let key: FileKey = key.parse().unwrap();
        let body = stream::iter([Ok(Bytes::from(text))]);
        self.node.land.file(&admin(), dataset, Put::new(key), body).await.unwrap().id
    }

    pub async fn delete(&self, dataset: &DatasetName, key: &str) -> bool {
        self.node.land.delete(&admin(), dataset, &key.parse().unwrap(), &Condition::default()).await.unwrap()
    }

    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let answer = self.node.queries.run(&admin(), sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let chunks: Vec<_> = encode(answer, Format::Json).collect().await;
        let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect();
        serde_json::from_slice::<Value>(&bytes).unwrap()["rows"].as_array().unwrap().clone()
    }

    /// Rows in the files of a dataset's table, as its log has them.
    pub async fn table_rows(&self, dataset: &DatasetName) -> i64 {
        self.node.tables.get(dataset).refresh().await.unwrap().rows()
    }

    /// Keys of all objects in the store.
    pub async fn objects(&self) -> Vec<String> {
        self.node.store.list("").map_ok(|object| object.key).try_collect().await.unwrap()
    }

    /// Keys of all objects in the archive.
    pub async fn archived(&self) -> Vec<String> {
        self.node.cold.list("").map_ok(|object| object.key).try_collect().await.unwrap()
    }

    /// Keys of objects, in the store and in the archive, that hold `text`.
    pub async fn objects_with(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for store in [&self.node.store, &self.node.cold] {
            let keys: Vec<String> = store.list("").map_ok(|object| object.key).try_collect().await.unwrap();
            for key in keys {
                let bytes = store.get(&key).await.unwrap();
                if key.contains(text) || bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                    found.push(key);
                }
            }
        }
        found
    }

    /// The place of the catalog, and the folder of everything else.
    pub fn places(&self) -> (&TestCatalog, &Path) {
        (&self.place, self.folder.path())
    }

    /// Puts any bytes, and says of them that they are those of `key`.
    pub async fn put_bytes(&self, dataset: &DatasetName, key: &str, bytes: Bytes) -> LandingId {
        let put = Put { attributes: Some(format!("{{\"of\":\"{key}\"}}")), ..Put::new(key.parse().unwrap()) };
        self.node.land.file(&admin(), dataset, put, stream::iter([Ok(bytes)])).await.unwrap().id
    }

    /// Lands a body of events as it is.
    pub async fn post(&self, dataset: &DatasetName, body: String) {
        self.node.land.events(&admin(), dataset, body.into(), None).await.unwrap();
    }

    /// The landing that stands for this one now.
    pub async fn row_of(&self, landing: &LandingId) -> LandingId {
        let bodies = Bodies { catalog: self.node.catalog.clone(), store: self.node.store.clone() };
        bodies.landing(landing).await.unwrap().unwrap_or_else(|| panic!("{landing} is not there")).1.id
    }

    /// Whether the raw bytes of a landing are still what landed, wherever they are kept.
    pub async fn has_its_bytes(&self, landing: &LandingId) -> bool {
        let digest = self.node.catalog.landing(landing).await.unwrap().unwrap().digest;
        let bytes = match self.node.catalog.body(landing).await.unwrap().unwrap() {
            Body::Bytes(bytes) => bytes,
            Body::Object { key, offset, length } => self.node.store.get_range(&key, offset..offset + length).await.unwrap(),
        };
        hex::encode(Sha256::digest(&bytes)) == digest
    }
}

impl Node {
    async fn start(
        place: &TestCatalog,
        bucket: Option<&Bucket>,
        folder: &Path,
        datasets: &[Dataset],
        schedules: &[Schedule],
        clock: &Clock,
        life: usize,
    ) -> Node {
        let catalog = Catalog::open(&place.url(), clock.clone()).await.unwrap();
        catalog.abandon_leases().await.unwrap();
        let (region, definitions): (Region, _) = (Region::default(), Definitions::default());
        catalog.declare(region.clone(), datasets.to_vec()).await.unwrap();
        Schedules::new(catalog.clone()).declare(schedules.to_vec()).await.unwrap();
        definitions.refresh(&catalog).await.unwrap();
        let gate = Gate::new(ADMIN_KEY, MasterKey::of(&[7; 32]).unwrap());
        gate.set_datasets(datasets);
        let open = async |name: &str| match bucket {
            Some(bucket) => bucket.open(name, clock).await,
            None => Store::local(&folder.join(name), clock.clone()).unwrap(),
        };
        let cold = open("cold").await;
        let store = open("store").await.with_archive(cold.clone());
        let tables = Tables::new(store.clone(), clock.clone());
        let live = Live::new(catalog.clone(), definitions.clone(), tables.clone());
        let queries = Queries::new(catalog.clone(), definitions.clone(), live, gate.clone(), &folder.join("spill")).unwrap();
        let land = Land::new(gate.clone(), catalog.clone(), store.clone(), definitions.clone(), clock.clone(), region);
        let staging = Staging::new(catalog.clone(), store.clone(), definitions.clone(), clock.clone());
        let (mut committers, mut keepers, mut replayers) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        // Those of side tables have nothing to do while there is no such table.
        let sides = SIDES.map(|name| name.parse::<DatasetName>().unwrap());
        for name in datasets.iter().map(|dataset| dataset.name.clone()).chain(sides) {
            let owner = format!("life {life}");
            let committer = Committer::new(catalog.clone(), definitions.clone(), &tables, staging.clone(), name.clone(), owner);
            let committer = Arc::new(committer);
            keepers.insert(name.clone(), Keeper::new(committer.clone()));
            replayers.push(Replayer::new(committer.clone(), format!("life {life}")));
            committers.insert(name, committer);
        }
        let answers = Arc::new(Asks(queries.clone()));
        let schedules = schedules.iter().map(|schedule| {
            RunSchedule::new(catalog.clone(), land.clone(), answers.clone(), schedule.name.clone(), format!("life {life}"))
        });
        Node {
            gate,
            schedules: schedules.collect(),
            definitions: definitions.clone(),
            stage: StageJob::new(catalog.clone(), Arc::new(Stages(staging))),
            seal: Seal { catalog: catalog.clone(), store: store.clone(), definitions: definitions.clone() },
            archive: Archive { catalog: catalog.clone(), store: store.clone(), definitions },
            cold,
            paths: SweepPaths { catalog: catalog.clone(), store: store.clone() },
            segments: SweepSegments { catalog: catalog.clone(), store: store.clone() },
            catalog,
            store,
            tables,
            land,
            queries,
            committers,
            keepers,
            replayers,
        }
    }

    /// True: there may be more.
    async fn work(&self, work: Work) -> Result<bool> {
        let mut did = false;
        match work {
            Work::Stage => {
                for lease in self.catalog.lease_jobs("world", 4).await? {
                    did = true;
                    match self.stage.run(&lease).await {
                        Err(error) if !error.kind.is_passing() => drop(self.catalog.bury_job(&lease, &error).await?),
                        done => done?,
                    }
                }
            }
            Work::Load => {
                for committer in self.committers.values() {
                    did |= committer.run_once().await? == Step::Loaded;
                }
            }
            Work::Keep => {
                for keeper in self.keepers.values() {
                    did |= keeper.run_once().await?;
                }
            }
            Work::Seal => did = self.seal.run_once().await? == Status::More,
            Work::Replay => {
                for replayer in &self.replayers {
                    did |= replayer.run_once().await? == Replayed::More;
                }
            }
            Work::Run => {
                for schedule in &self.schedules {
                    did |= schedule.run_once().await? == Status::More;
                }
            }
            Work::Archive => did = self.archive.run_once().await? == Status::More,
            Work::Sweep => {
                self.land.retire_segments();
                did = self.paths.run_once().await? == Status::More;
                self.segments.run_once().await?;
            }
        }
        Ok(did)
    }
}

/// How long it takes until nobody can be reading what has left.
pub const READERS_GONE: Duration = Duration::from_secs(2 * 3600);

/// Where data files lie.
pub fn is_data_file(key: &str) -> bool {
    key.starts_with(keys::TABLES) && key.ends_with(".parquet") && !key.contains("/_delta_log/")
}
