//! Our tables in other engines: delta-rs and Polars and DuckDB from PyPI read
//! what was staged and committed here, and see the same rows and types.
//!
//! Wants python3 with venv; the packages are installed once, into `target/pyenv`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here has failed the test")]

use std::path::{Path, PathBuf};
use std::process::Command;

use landfall_catalog::Definitions;
use landfall_catalog::testing::TestCatalog;
use landfall_model::{
    BodyPlace, Clock, Column, Dataset, Kind, Landing, LandingId, LandingState, LoadId, Manifest, Phase, Principal, Source, Timestamp,
};
use landfall_store::Store;
use landfall_tables::delta::{Intent, Load, Table};
use landfall_tables::stage::Staging;

const COLUMNS: &[(&str, &str)] = &[
    ("id", "bigint"),
    ("small", "int"),
    ("what (so; called), = {it}", "text"),
    ("Größe", "double"),
    ("money", "decimal(18,6)"),
    ("day", "date"),
    ("at", "timestamp"),
    ("ok", "boolean"),
    ("doc", "json"),
    ("tags", "text[]"),
];

const FIRST: &str = r#"{"id":1,"small":1,"what (so; called), = {it}":"gone","at":"2026-01-01T00:00:00Z"}"#;

const SECOND: &str = r#"
{"id":9007199254740993,"small":-5,"what (so; called), = {it}":"ä\n\"q\"","Größe":1.5,"money":"123456789012.123456","day":"2026-02-28","at":"2026-01-02T03:04:05.678901Z","ok":true,"doc":{"a":[1]},"tags":["x",null]}
{"id":2}
"#;

/// DuckDB wants pytz for moments.
const PACKAGES: [&str; 5] = ["deltalake", "polars", "duckdb", "pyarrow", "pytz"];

/// The python of our own environment, which is made if it is not there.
fn python() -> PathBuf {
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let folder = target.join("pyenv");
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if std::fs::read_to_string(&ready).unwrap_or_default() != PACKAGES.join(" ") {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 with venv (Debian: python3-venv)");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES), "PyPI");
        std::fs::write(ready, PACKAGES.join(" ")).unwrap();
    }
    python
}

fn run(command: &mut Command, needs: &str) -> String {
    let output = command.output().unwrap_or_else(|why| panic!("this test needs {needs}: {why}"));
    assert!(output.status.success(), "this test needs {needs}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

struct Writer {
    store: Store,
    clock: Clock,
    staging: Staging,
    table: Table,
    dataset: Dataset,
    number: i64,
}

impl Writer {
    async fn stage(&self, body: &str) -> Manifest {
        let id = LandingId::new(&self.clock);
        let key = format!("landings/{id}");
        self.store.put(&key, body.to_owned().into()).await.unwrap();
        let landing = Landing {
            id,
            dataset: self.dataset.name.clone(),
            region: "local".parse().unwrap(),
            kind: Kind::File,
            source: Source::Http,
            principal: Principal::Anonymous,
            key: Some("a.ndjson".parse().unwrap()),
            generation: 1,
            content_type: None,
            digest: String::new(),
            size: 0,
            received_at: self.clock.now(),
            first_seq: 0,
            records: 1,
            body: BodyPlace::Object { key, offset: 0, length: body.len() as u64 },
            state: LandingState::Live,
            phase: Phase::Received,
            merged: None,
        };
        self.staging.stage_landing(&landing).await.unwrap()
    }

    async fn load(&mut self, add: &Manifest, remove: &[String]) {
        self.number += 1;
        let load = Load {
            epoch: 1,
            number: self.number,
            id: LoadId::new(&self.clock),
            add: add.files.clone(),
            remove: remove.to_vec(),
            columns: self.dataset.columns.clone().unwrap(),
            watermarks: vec![("local".parse().unwrap(), self.number)],
        };
        self.table.commit(&Intent::Load(load)).await.unwrap();
    }
}

async fn write_table(folder: &Path) {
    let place = TestCatalog::sqlite();
    let catalog = place.open().await.unwrap();
    let clock = Clock::fixed(Timestamp(1_700_000_000_000_000), 3);
    let store = Store::local(folder, clock.clone()).unwrap();
    let mut dataset = Dataset::new("orders".parse().unwrap());
    dataset.columns = Some(COLUMNS.iter().map(|(name, kind)| Column::new(*name, kind.parse().unwrap())).collect());
    catalog.declare("local".parse().unwrap(), vec![dataset.clone()]).await.unwrap();
    let definitions = Definitions::default();
    definitions.refresh(&catalog).await.unwrap();
    let staging = Staging::new(catalog.clone(), store.clone(), definitions, clock.clone());
    let table = Table::new(store.clone(), &dataset.name, clock.clone());
    let mut writer = Writer { store, clock, staging, table, dataset, number: 0 };
    let first = writer.stage(FIRST).await;
    writer.load(&first, &[]).await;
    let second = writer.stage(SECOND).await;
    let gone: Vec<String> = first.files.iter().map(|file| file.path.clone()).collect();
    writer.load(&second, &gone).await;
    writer.table.checkpoint().await.unwrap();
    let third = writer.stage("{\"id\":3}\n").await;
    writer.load(&third, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_engines_read_the_same_rows_and_types() {
    let folder = tempfile::tempdir().unwrap();
    write_table(folder.path()).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_table.py");
    let told = run(Command::new(python()).arg(script).arg(folder.path().join("tables/orders")), "deltalake, polars and duckdb from PyPI");
    let expected = "\
schema: id long, small integer, what (so; called), = {it} string, Größe double, money decimal(18,6), day date, at timestamp, ok boolean, doc string, tags array, _landing string, _key string, _line long, _event string, _received_at timestamp, _partition string
transactions: landfall.load 3
history: WRITE WRITE WRITE
rows: [2, None, None, None, None, None, None, None, None, None, 'a.ndjson', 3, None, '2023-11-14'], [3, None, None, None, None, None, None, None, None, None, 'a.ndjson', 1, None, '2023-11-14'], [9007199254740993, -5, 'ä\\n\"q\"', 1.5, '123456789012.123456', '2026-02-28', '2026-01-02 03:04:05.678901+00:00', True, '{\"a\":[1]}', ['x', None], 'a.ndjson', 2, None, '2023-11-14']
deltalake, polars, duckdb agree
";
    assert_eq!(told, expected);
}
