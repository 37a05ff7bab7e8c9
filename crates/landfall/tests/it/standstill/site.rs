//! What the crews of one process share: a catalog, a store, the way in and the
//! answers; and what must be in the tables, written down as it is landed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use landfall_access::{Context, Gate, MasterKey};
use landfall_catalog::{Catalog, Definitions};
use landfall_land::{Land, Put};
use landfall_model::{Clock, Dataset, Region, Source};
use landfall_query::live::Live;
use landfall_query::{Format, Queries, encode};
use landfall_store::Store;
use landfall_tables::delta::Tables;
use serde_json::{Value, json};

use crate::node::{ADMIN_KEY, eventually};

pub const DATASETS: [&str; 2] = ["events", "files"];

const EVENTS: usize = 50;
const FILE_ROWS: usize = 3;

pub struct Site {
    pub catalog: Catalog,
    pub definitions: Definitions,
    folder: tempfile::TempDir,
    land: Land,
    queries: Queries,
    tables: Tables,
    /// How many events were acked; they are numbered from 0.
    events: usize,
    /// The version of each file that is live.
    files: BTreeMap<String, u32>,
}

fn admin() -> Context {
    Context::administrator(Source::Http)
}

impl Site {
    pub async fn new(catalog: Catalog) -> Site {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let (region, definitions): (Region, _) = ("local".parse().unwrap(), Definitions::default());
        let datasets = DATASETS.map(|name| Dataset::new(name.parse().unwrap()));
        catalog.declare(region.clone(), datasets.to_vec()).await.unwrap();
        definitions.refresh(&catalog).await.unwrap();
        let gate = Gate::new(ADMIN_KEY, MasterKey::of(&[7; 32]).unwrap());
        gate.set_datasets(&datasets);
        let store = Store::local(&folder.path().join("store"), clock.clone()).unwrap();
        let tables = Tables::new(store.clone(), clock.clone());
        let live = Live::new(catalog.clone(), definitions.clone(), tables.clone());
        let queries = Queries::new(catalog.clone(), definitions.clone(), live, gate.clone(), &folder.path().join("spill")).unwrap();
        let land = Land::new(gate, catalog.clone(), store, definitions.clone(), clock, region);
        Site { catalog, definitions, folder, land, queries, tables, events: 0, files: BTreeMap::new() }
    }

    pub fn store_folder(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub async fn send_events(&mut self) {
        let lines: Vec<_> = (self.events..self.events + EVENTS).map(|id| format!("{{\"id\":{id}}}")).collect();
        self.land.events(&admin(), &"events".parse().unwrap(), lines.join("\n").into(), None).await.unwrap();
        self.events += EVENTS;
    }

    /// Puts the next version of a file.
    pub async fn put(&mut self, key: &str) {
        let version = self.files.entry(key.to_owned()).or_default();
        *version += 1;
        let mut text = String::from("version,row\n");
        for row in 0..FILE_ROWS {
            text.push_str(&format!("{version},{row}\n"));
        }
        let body = stream::iter([Ok(Bytes::from(text))]);
        self.land.file(&admin(), &"files".parse().unwrap(), Put::new(key.parse().unwrap()), body).await.unwrap();
    }

    async fn rows(&self, sql: &str) -> Vec<Value> {
        let answer = self.queries.run(&admin(), sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let chunks: Vec<_> = encode(answer, Format::Json).collect().await;
        let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect();
        serde_json::from_slice::<Value>(&bytes).unwrap()["rows"].as_array().unwrap().clone()
    }

    /// Waits until nothing is in flight, and then finds each record once, in the answers and in the tables.
    pub async fn all_once(&self, what: &str) {
        eventually(&format!("{what}: nothing is in flight"), Duration::from_secs(60), async || {
            let waiting = self.catalog.audit(None).await.unwrap().iter().any(|audit| audit.in_flight.records != 0);
            let leaving = self.rows("select count(*) from landfall.landings where phase = 'loaded' and state <> 'live'").await;
            (!waiting && leaving == [json!([0])]).then_some(())
        })
        .await;
        // Answers from a catalog that is not shared rely on it that whoever commits is in the same node, which the crews are not.
        for dataset in DATASETS {
            self.tables.get(&dataset.parse().unwrap()).refresh().await.unwrap();
        }
        let events = self.rows("select count(*), count(distinct id) from events").await;
        assert_eq!(events, [json!([self.events, self.events])], "{what}: events");
        let files = self.rows("select _key, version, count(*), count(distinct row) from files group by _key, version order by _key").await;
        let expected: Vec<_> = self.files.iter().map(|(key, version)| json!([key, version, FILE_ROWS, FILE_ROWS])).collect();
        assert_eq!(files, expected, "{what}: files");
        for audit in self.catalog.audit(None).await.unwrap() {
            assert!(audit.balances(), "{what}: {audit:?} is off by {:?}", audit.difference());
            let state = self.tables.get(&audit.dataset).refresh().await.unwrap();
            assert_eq!(state.rows(), audit.rows, "{what}: rows in the table of `{}`", audit.dataset);
        }
    }
}
