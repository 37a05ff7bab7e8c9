//! A catalog, a store and a table for tests, with events landed and loaded by hand.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::Int64Type;
use futures::StreamExt;
use landfall_access::{Context, Gate, MasterKey};
use landfall_catalog::events::{NewBatch, land_batch};
use landfall_catalog::manifests::Recorded;
use landfall_catalog::testing::TestCatalog;
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{
    BodyPlace, Clock, Counts, DataFile, Dataset, DatasetName, Kind, Landing, LandingId, LandingState, LoadId, Manifest, ManifestId, Phase,
    Principal, Region, Result, Source, Subject,
};
use landfall_store::{Store, keys};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Live;
use crate::{Format, Queries, encode};
use landfall_tables::delta::{Intent, Load, Tables};
use landfall_tables::events::Bodies;
use landfall_tables::events::{Recipe, decode_events};

pub struct Bench {
    _folder: TempDir,
    _place: TestCatalog,
    pub catalog: Catalog,
    pub clock: Clock,
    pub tables: Tables,
    pub live: Live,
    pub queries: Queries,
}

pub fn name(text: &str) -> DatasetName {
    text.parse().unwrap()
}

pub fn local() -> Region {
    "local".parse().unwrap()
}

/// What a log says of `rows`, of the column `n` alone.
fn stats_of(rows: &RecordBatch) -> String {
    let mut stats = json!({ "numRecords": rows.num_rows() });
    if let Some(n) = rows.column_by_name("n").and_then(|column| column.as_primitive_opt::<Int64Type>()) {
        stats["minValues"] = json!({ "n": min(n) });
        stats["maxValues"] = json!({ "n": max(n) });
        stats["nullCount"] = json!({ "n": n.null_count() });
    }
    stats.to_string()
}

impl Bench {
    pub async fn new(datasets: &[Dataset]) -> Bench {
        Bench::with_memory(datasets, 64 << 20).await
    }

    /// With so many bytes for decoded events.
    pub async fn with_memory(datasets: &[Dataset], bytes: usize) -> Bench {
        Bench::on(TestCatalog::sqlite(), datasets, bytes).await
    }

    pub async fn on(place: TestCatalog, datasets: &[Dataset], bytes: usize) -> Bench {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let catalog = place.open().await.unwrap();
        catalog.declare(local(), datasets.to_vec()).await.unwrap();
        let definitions = Definitions::default();
        definitions.refresh(&catalog).await.unwrap();
        let tables = Tables::new(Store::local(&folder.path().join("store"), clock.clone()).unwrap(), clock.clone());
        let live = Live::with_budget(catalog.clone(), definitions.clone(), tables.clone(), bytes);
        let gate = Gate::new("0123456789abcdef", MasterKey::of(&[7; 32]).unwrap());
        gate.set_datasets(datasets);
        let spill = folder.path().join("spill");
        let queries = Queries::new(catalog.clone(), definitions, live.clone(), gate, &spill).unwrap();
        Bench { _folder: folder, _place: place, catalog, clock, tables, live, queries }
    }

    /// Lands the events, one JSON document each, as one batch; returns the number of the first.
    pub async fn land(&self, dataset: &str, events: &[String]) -> i64 {
        let body = events.join("\n");
        let landing = Landing {
            id: LandingId::new(&self.clock),
            dataset: name(dataset),
            region: local(),
            kind: Kind::Batch,
            source: Source::Http,
            principal: Principal::Anonymous,
            key: None,
            generation: 0,
            content_type: None,
            digest: String::new(),
            size: i64::try_from(body.len()).unwrap(),
            received_at: self.clock.now(),
            first_seq: 0,
            records: i64::try_from(events.len()).unwrap(),
            body: BodyPlace::Inline,
            state: LandingState::Live,
            phase: Phase::Received,
            merged: None,
        };
        let batch = NewBatch { landing, body: Some(body.into()) };
        self.catalog.write(move |tx| land_batch(tx, &batch)).await.unwrap().unwrap()
    }

    /// Loads the events above the watermark, up to `last` at the most, as a committer would.
    pub async fn load(&self, dataset: &str, last: i64) {
        let table = self.tables.get(&name(dataset));
        let state = table.refresh().await.unwrap();
        let bodies = Bodies { catalog: self.catalog.clone(), store: self.live.store().clone() };
        let mut page = bodies.above(&name(dataset), &local(), state.watermark(&local())).await.unwrap().unwrap();
        page.batches.retain(|(landing, _)| landing.last_seq() <= last);
        let Some(high) = page.batches.last().map(|(landing, _)| landing.last_seq()) else { return };
        let record = self.catalog.dataset(&name(dataset)).await.unwrap().unwrap();
        let recipe = Arc::new(Recipe::of(&record).await.unwrap());
        let (recipe, events) = decode_events(&self.catalog, &recipe, page.batches).await.unwrap();
        let add = self.data_file(dataset, &events.rows).await;
        let load = Load {
            epoch: 1,
            number: state.load + 1,
            id: LoadId::new(&self.clock),
            add: vec![add],
            remove: Vec::new(),
            columns: recipe.table_columns().to_vec(),
            watermarks: vec![(local(), high)],
        };
        table.commit(&Intent::Load(load)).await.unwrap();
    }

    async fn data_file(&self, dataset: &str, rows: &RecordBatch) -> DataFile {
        let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), None).unwrap();
        writer.write(rows).unwrap();
        let bytes = writer.into_inner().unwrap();
        let (day, size) = (self.clock.now().day(), i64::try_from(bytes.len()).unwrap());
        let path = keys::data_file(&ManifestId::new(&self.clock), &day, 0);
        self.live.store().put(&format!("{}/{path}", keys::table_root(&name(dataset))), bytes.into()).await.unwrap();
        let stats = stats_of(rows);
        DataFile { path, partition: day, size, rows: i64::try_from(rows.num_rows()).unwrap(), stats }
    }

    /// Records a manifest whose rejects are in the object `key`.
    pub async fn record_rejects(&self, dataset: &str, manifest: &ManifestId, key: &str, records: i64) {
        let lease = self.catalog.acquire_sink(&name(dataset), "test").await.unwrap().unwrap();
        let manifest = Manifest {
            id: manifest.clone(),
            dataset: name(dataset),
            subject: Subject::Range { region: local(), first: 1, last: records, except: Vec::new() },
            definition_version: 1,
            columns_version: 1,
            files: Vec::new(),
            counts: Counts { records, rejected_records: records, ..Counts::default() },
            rejects: Some(key.to_owned()),
        };
        self.catalog.register_paths(&name(dataset), manifest.id.as_str(), vec![key.to_owned()]).await.unwrap();
        assert_eq!(self.catalog.record_range(&lease, &manifest, Vec::new()).await.unwrap(), Recorded::Yes);
    }

    pub async fn ask(&self, sql: &str, params: &[Value]) -> Result<Value> {
        self.ask_as(&Context::administrator(Source::Http), sql, params).await
    }

    /// The JSON answer.
    pub async fn ask_as(&self, context: &Context, sql: &str, params: &[Value]) -> Result<Value> {
        let mut chunks = encode(self.queries.run(context, sql, params).await?, Format::Json);
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    /// The rows of an answer that must be one.
    pub async fn rows(&self, sql: &str) -> Value {
        self.ask(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"))["rows"].take()
    }
}
