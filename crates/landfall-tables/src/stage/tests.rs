//! Files and events through the real store and catalog, read back from Parquet.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt;
use landfall_catalog::events::WaitingBatch;
use landfall_catalog::testing::TestCatalog;
use landfall_catalog::{Catalog, Definitions};
use landfall_model::{
    BadRecord, BodyPlace, Clock, DataFile, Dataset, ErrorKind, Kind, Landing, LandingId, LandingState, Manifest, Phase, Principal, Reject,
    Result, Source, Subject, Timestamp,
};
use landfall_store::Store;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::{Staged, Staging};
use crate::delta::Stats;

const START: Timestamp = Timestamp(1_700_000_000_123_456);

struct Bench {
    _place: TestCatalog,
    folder: TempDir,
    catalog: Catalog,
    store: Store,
    clock: Clock,
    dataset: Dataset,
    staging: Staging,
}

impl Bench {
    async fn new(change: impl FnOnce(&mut Dataset)) -> Bench {
        let place = TestCatalog::sqlite();
        let catalog = place.open().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(START, 3);
        let store = Store::local(folder.path(), clock.clone()).unwrap();
        let mut dataset = Dataset::new("orders".parse().unwrap());
        change(&mut dataset);
        catalog.declare("local".parse().unwrap(), vec![dataset.clone()]).await.unwrap();
        let definitions = Definitions::default();
        definitions.refresh(&catalog).await.unwrap();
        let staging = Staging::new(catalog.clone(), store.clone(), definitions, clock.clone());
        Bench { _place: place, folder, catalog, store, clock, dataset, staging }
    }

    async fn landing(&self, kind: Kind, body: &str) -> Landing {
        let id = LandingId::new(&self.clock);
        let key = format!("landings/{id}");
        self.store.put(&key, body.to_owned().into()).await.unwrap();
        Landing {
            id,
            dataset: self.dataset.name.clone(),
            region: "local".parse().unwrap(),
            kind,
            source: Source::Http,
            principal: Principal::Anonymous,
            key: (kind == Kind::File).then(|| "in/a.csv".parse().unwrap()),
            generation: 1,
            content_type: None,
            digest: String::new(),
            size: i64::try_from(body.len()).unwrap(),
            received_at: self.clock.now(),
            first_seq: 0,
            records: 1,
            body: BodyPlace::Object { key, offset: 0, length: body.len() as u64 },
            state: LandingState::Live,
            phase: Phase::Received,
            merged: None,
        }
    }

    async fn file(&self, body: &str) -> Result<Manifest> {
        self.staging.stage_landing(&self.landing(Kind::File, body).await).await
    }

    async fn batch(&self, first: i64, events: &[&str]) -> WaitingBatch {
        let mut landing = self.landing(Kind::Batch, &events.join("\n")).await;
        landing.first_seq = first;
        landing.records = i64::try_from(events.len()).unwrap();
        WaitingBatch { landing, body: None }
    }

    async fn range(&self, first: i64, batches: Vec<WaitingBatch>) -> Result<Staged> {
        self.staging.stage_range(&self.dataset.name, &"local".parse().unwrap(), first, batches).await
    }

    fn read(&self, file: &DataFile) -> RecordBatch {
        let path: PathBuf = self.folder.path().join("tables/orders").join(&file.path);
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
        let schema = reader.schema().clone();
        let batches: Vec<_> = reader.build().unwrap().collect::<std::result::Result<_, _>>().unwrap();
        concat_batches(&schema, &batches).unwrap()
    }

    /// The rows of a file, without the columns named here.
    fn show(&self, file: &DataFile, without: &[&str]) -> String {
        let rows = self.read(file);
        let keep: Vec<usize> = (0..rows.num_columns()).filter(|at| !without.contains(&rows.schema().field(*at).name().as_str())).collect();
        pretty_format_batches(&[rows.project(&keep).unwrap()]).unwrap().to_string()
    }

    async fn rejects(&self, manifest: &Manifest) -> Vec<Reject> {
        let Some(key) = &manifest.rejects else { return Vec::new() };
        let object = self.store.get(key).await.unwrap();
        String::from_utf8_lossy(&object).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the stagings have left in the store.
    async fn objects(&self) -> Vec<String> {
        let all: Vec<_> = self.store.list("").try_collect().await.unwrap();
        all.into_iter().map(|object| object.key).filter(|key| !key.starts_with("landings/")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_rows_that_know_where_they_came_from() {
    let bench = Bench::new(|_| {}).await;
    let manifest = bench.file("name,n,at\nann,1,2026-01-02T03:04:05.678901Z\n\"bo\nb\",x2,2026-01-02T00:00:00Z\n").await.unwrap();
    assert_eq!(manifest.columns_version, 1);
    let [file] = manifest.files.as_slice() else { panic!("{manifest:?}") };
    assert_eq!(file.partition, "2023-11-14");
    let expected = "\
+------+----+-----------------------------+----------+-------+--------+-----------------------------+
| name | n  | at                          | _key     | _line | _event | _received_at                |
+------+----+-----------------------------+----------+-------+--------+-----------------------------+
| ann  | 1  | 2026-01-02T03:04:05.678901Z | in/a.csv | 2     |        | 2023-11-14T22:13:20.123456Z |
| bo   | x2 | 2026-01-02T00:00:00Z        | in/a.csv | 3     |        | 2023-11-14T22:13:20.123456Z |
| b    |    |                             |          |       |        |                             |
+------+----+-----------------------------+----------+-------+--------+-----------------------------+";
    assert_eq!(bench.show(file, &["_landing"]), expected);
    let stats = Stats::parse(&file.stats);
    assert_eq!((stats.num_records, file.rows, manifest.counts.rows, manifest.counts.records), (2, 2, 2, 2));
    assert_eq!(
        (&stats.min_values["at"], &stats.max_values["at"]),
        (&"2026-01-02T00:00:00.000Z".into(), &"2026-01-02T03:04:05.679Z".into())
    );
    assert_eq!((&stats.min_values["name"], &stats.max_values["name"], &stats.null_count["n"]), (&"ann".into(), &"bo\nb".into(), &0.into()));
    assert!(stats.min_values.contains_key("_landing") && !stats.min_values.contains_key("_line"), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_never_leave_a_row_out() {
    let bench = Bench::new(|dataset| {
        let column = |name: &str, kind: &str| landfall_model::Column::new(name, kind.parse().unwrap());
        dataset.columns =
            Some(vec![column("x", "double"), column("y", "double"), column("d", "date"), column("m", "decimal(9,2)"), column("z", "int")]);
    })
    .await;
    let manifest = bench.file("x,y,d,m,z\nNaN,1.5,1969-12-31,-1.10,\n2,-3,2026-01-02,7,\n").await.unwrap();
    let stats = Stats::parse(&manifest.files[0].stats);
    let bounds = |name: &str| (stats.min_values.get(name).map(ToString::to_string), stats.max_values.get(name).map(ToString::to_string));
    let some = |min: &str, max: &str| (Some(min.to_owned()), Some(max.to_owned()));
    assert_eq!((bounds("x"), bounds("z")), ((None, None), (None, None)));
    assert_eq!(
        (bounds("y"), bounds("d"), bounds("m")),
        (some("-3.0", "1.5"), some("\"1969-12-31\"", "\"2026-01-02\""), some("-1.1", "7.0"))
    );
    assert_eq!((&stats.null_count["z"], &stats.null_count["x"]), (&2.into(), &0.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_are_kept_beside_the_rows_or_fail_the_file() {
    let bench = Bench::new(|dataset| dataset.columns = Some(vec![landfall_model::Column::new("n", landfall_model::Type::Bigint)])).await;
    let text = "n\n1\nx\n3\n";
    let manifest = bench.file(text).await.unwrap();
    let rejects = bench.rejects(&manifest).await;
    let [reject] = rejects.as_slice() else { panic!("{rejects:?}") };
    assert_eq!((reject.place.line, reject.place.byte_offset, reject.raw.as_str()), (3, 4, "x"));
    let counts = manifest.counts;
    assert_eq!((counts.records, counts.rejected_records, counts.rows, counts.bytes), (3, 1, 2, 8));
    bench.staging.discard(&manifest).await.unwrap();
    assert_eq!(bench.objects().await, Vec::<String>::new());

    let bench = Bench::new(|dataset| {
        dataset.columns = Some(vec![landfall_model::Column::new("n", landfall_model::Type::Bigint)]);
        dataset.on_bad_record = BadRecord::Fail;
    })
    .await;
    let error = bench.file(text).await.unwrap_err();
    assert_eq!((error.kind, error.place.unwrap().line), (ErrorKind::BadRecord, 3));
    assert_eq!(bench.objects().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_breaks_in_the_middle_leaves_nothing() {
    let bench = Bench::new(|_| {}).await;
    let mut text = String::from("n,t\n");
    (0..100_000).for_each(|n| text.push_str(&format!("{n},some text {n}\n")));
    text.push_str("1,\"never closed\n");
    assert_eq!(bench.file(&text).await.unwrap_err().kind, ErrorKind::UnclosedQuote);
    assert_eq!(bench.objects().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn later_columns_are_added() {
    let bench = Bench::new(|_| {}).await;
    bench.file("a\n1\n").await.unwrap();
    let manifest = bench.file("a,b\n2,true\n").await.unwrap();
    assert_eq!(manifest.columns_version, 2);
    let shown = bench.show(&manifest.files[0], &["_landing", "_key", "_event", "_received_at"]);
    assert_eq!(shown, "+---+------+-------+\n| a | b    | _line |\n+---+------+-------+\n| 2 | true | 2     |\n+---+------+-------+");
    let record = bench.catalog.dataset(&bench.dataset.name).await.unwrap().unwrap();
    assert_eq!(bench.staging.table_columns(&record).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transform_makes_the_rows() {
    let transform = |sql: &str| {
        let sql = sql.to_owned();
        move |dataset: &mut Dataset| dataset.transform = Some(sql)
    };
    let text = "n,who\n1,a\n2,b\n3,a\n";
    let without = ["_landing", "_key", "_event", "_received_at"];
    for (sql, expected) in [
        (
            "select n * 2 as m from input where n <> 2",
            "+---+-------+\n| m | _line |\n+---+-------+\n| 2 | 2     |\n| 6 | 4     |\n+---+-------+",
        ),
        ("select sum(n) as s from input", "+---+-------+\n| s | _line |\n+---+-------+\n| 6 |       |\n+---+-------+"),
        ("select n from input limit 1", "+---+-------+\n| n | _line |\n+---+-------+\n| 1 |       |\n+---+-------+"),
    ] {
        let bench = Bench::new(transform(sql)).await;
        let manifest = bench.file(text).await.unwrap();
        assert_eq!(bench.show(&manifest.files[0], &without), expected, "{sql}");
        assert_eq!(manifest.counts.records, 3);
    }
    let bench = Bench::new(transform("select cast(who as int) as n from input")).await;
    assert_eq!(bench.file(text).await.unwrap_err().kind, ErrorKind::BadTransform);
    assert_eq!(bench.objects().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_staged_by_range_and_day() {
    let bench = Bench::new(|_| {}).await;
    let mut batches = vec![bench.batch(1, &[r#"{"n":1}"#, r#"{"n":"x"}"#]).await, bench.batch(3, &[r#"{"n":3}"#]).await];
    batches[1].landing.phase = Phase::Dead;
    let dead = batches[1].landing.id.clone();
    bench.clock.advance(std::time::Duration::from_secs(86_400));
    batches.push(bench.batch(4, &[r#"{"n":4,"m":true}"#]).await);
    bench
        .catalog
        .extend_columns(&bench.dataset.name, 0, vec![landfall_model::Column::new("n", landfall_model::Type::Double)])
        .await
        .unwrap();
    let staged = bench.range(1, batches).await.unwrap();
    assert!(staged.dead.is_empty());
    let manifest = staged.manifest;
    assert_eq!(manifest.subject, Subject::Range { region: "local".parse().unwrap(), first: 1, last: 4, except: vec![dead] });
    let days: Vec<&str> = manifest.files.iter().map(|file| file.partition.as_str()).collect();
    assert_eq!(days, ["2023-11-14", "2023-11-15"]);
    let expected = "\
+-----+------+------+-------+----------------+-----------------------------+
| n   | m    | _key | _line | _event         | _received_at                |
+-----+------+------+-------+----------------+-----------------------------+
| 4.0 | true |      |       | orders.local.4 | 2023-11-15T22:13:20.123456Z |
+-----+------+------+-------+----------------+-----------------------------+";
    assert_eq!(bench.show(&manifest.files[1], &["_landing"]), expected);
    let rejects = bench.rejects(&manifest).await;
    assert_eq!(rejects[0].event.as_deref(), Some("orders.local.2"));
    assert_eq!((manifest.counts.records, manifest.counts.rejected_records, manifest.counts.rows), (3, 1, 2));
}
