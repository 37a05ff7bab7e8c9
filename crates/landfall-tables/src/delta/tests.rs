//! Commits, races and reopening, against a real store in a temporary folder.

use std::path::Path;

use landfall_model::{Clock, Column, DataFile, DatasetName, ErrorKind, LoadId, ManifestId, Timestamp, Type, limits};
use landfall_store::{Store, keys};
use tempfile::TempDir;

use super::{Committed, Intent, Load, Rewrite, State, Table};

struct Bench {
    _folder: TempDir,
    store: Store,
    clock: Clock,
    dataset: DatasetName,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(Timestamp(1_700_000_000_000_000), 7);
        let store = open_store(folder.path(), &clock);
        Bench { _folder: folder, store, clock, dataset: "orders".parse().unwrap() }
    }

    /// A handle of its own, as another node has it.
    fn table(&self) -> Table {
        Table::new(self.store.clone(), &self.dataset, self.clock.clone())
    }

    fn file(&self, day: &str, rows: i64) -> DataFile {
        let path = keys::data_file(&ManifestId::new(&self.clock), day, 0);
        let stats = format!(r#"{{"numRecords":{rows},"minValues":{{"id":1}},"maxValues":{{"id":9}},"nullCount":{{"id":0}}}}"#);
        DataFile { path, partition: day.to_owned(), size: 100 + rows, rows, stats }
    }

    fn load(&self, number: i64, add: Vec<DataFile>) -> Load {
        Load {
            epoch: 1,
            number,
            id: LoadId::new(&self.clock),
            add,
            remove: Vec::new(),
            columns: vec![Column::new("id", Type::Bigint)],
            watermarks: vec![("local".parse().unwrap(), number * 10)],
        }
    }

    fn loaded(&self, number: i64) -> Intent {
        Intent::Load(self.load(number, vec![self.file("2023-11-14", number)]))
    }

    fn entry(&self, version: i64) -> String {
        format!("{}/_delta_log/{version:020}.json", keys::table_root(&self.dataset))
    }
}

fn open_store(folder: &Path, clock: &Clock) -> Store {
    Store::local(folder, clock.clone()).unwrap()
}

/// All that a state says, to compare with.
fn told(state: &State) -> String {
    let files: Vec<_> = state.files.values().map(|file| &file.data).collect();
    let meta = serde_json::to_value(state.meta.as_deref()).unwrap();
    let of_loads = (state.fence, state.load, state.load_id, &state.watermarks);
    format!("{} {:?} {:?} {of_loads:?} {files:#?} {meta:#}", state.version, state.columns, state.schema)
}

#[tokio::test]
async fn loads_come_in_order_and_each_once() {
    let bench = Bench::new().await;
    let table = bench.table();
    assert_eq!(table.state().await.unwrap().version, -1);
    let first = bench.loaded(1);
    assert_eq!(table.commit(&first).await.unwrap(), Committed::Now(0));
    assert_eq!(table.commit(&first).await.unwrap(), Committed::AlreadyThere(0));
    let skipped = table.commit(&bench.loaded(3)).await.unwrap_err();
    assert_eq!(skipped.kind, ErrorKind::Diverged);
    assert!(skipped.message.contains("load is 1") && skipped.message.contains("load 3"), "{skipped}");
    // The same number with another id is another load.
    assert_eq!(table.commit(&bench.loaded(1)).await.unwrap_err().kind, ErrorKind::Diverged);
    assert_eq!(table.commit(&bench.loaded(2)).await.unwrap(), Committed::Now(1));
    let state = table.state().await.unwrap();
    assert_eq!((state.load, state.rows(), state.watermark(&"local".parse().unwrap())), (2, 3, 20));
}

#[tokio::test]
async fn files_leave_in_the_commit_that_brings_others() {
    let bench = Bench::new().await;
    let table = bench.table();
    let (old, kept, new) = (bench.file("2023-11-14", 5), bench.file("2023-11-14", 6), bench.file("2023-11-15", 7));
    table.commit(&Intent::Load(bench.load(1, vec![old.clone(), kept.clone()]))).await.unwrap();
    let mut load = bench.load(2, vec![new.clone()]);
    load.remove = vec![old.path.clone(), "_partition=2023-11-14/never-there.parquet".into()];
    let stale = table.commit(&Intent::Load(load.clone())).await.unwrap_err();
    assert_eq!((stale.kind, table.refresh().await.unwrap().version), (ErrorKind::Stale, 0), "what is not there cannot leave");
    load.remove.pop();
    table.commit(&Intent::Load(load)).await.unwrap();
    let paths: Vec<String> = table.state().await.unwrap().files.keys().cloned().collect();
    assert_eq!(paths, [kept.path, new.path]);
    let entry = bench.store.get(&bench.entry(1)).await.unwrap();
    let removes = String::from_utf8_lossy(&entry).matches("\"remove\"").count();
    assert_eq!(removes, 1);
}

#[tokio::test]
async fn columns_grow_and_never_change() {
    let bench = Bench::new().await;
    let table = bench.table();
    table.commit(&bench.loaded(1)).await.unwrap();
    let before = table.state().await.unwrap();
    let mut load = bench.load(2, vec![]);
    load.columns = vec![Column::new("a b,c", Type::List(Box::new(Type::Json)))];
    table.commit(&Intent::Load(load)).await.unwrap();
    let after = table.state().await.unwrap();
    let names: Vec<&str> = after.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "a b,c"]);
    let id = |state: &State| state.meta.as_ref().unwrap().id.clone();
    assert_eq!(id(&before), id(&after));
    for wrong in [Column::new("id", Type::Text), Column::new("ID", Type::Bigint)] {
        let mut load = bench.load(3, vec![]);
        load.columns = vec![wrong];
        assert_eq!(table.commit(&Intent::Load(load)).await.unwrap_err().kind, ErrorKind::Conflict);
    }
}

#[tokio::test]
async fn a_fence_shuts_out_those_before_it() {
    let bench = Bench::new().await;
    let (old, new) = (bench.table(), bench.table());
    old.commit(&bench.loaded(1)).await.unwrap();
    assert_eq!(new.commit(&Intent::Fence { epoch: 2 }).await.unwrap(), Committed::Now(1));
    assert_eq!(new.commit(&Intent::Fence { epoch: 2 }).await.unwrap(), Committed::AlreadyThere(1));
    let stale = old.commit(&bench.loaded(2)).await.unwrap_err();
    assert_eq!(stale.kind, ErrorKind::Stale);
    let mut load = bench.load(2, vec![]);
    load.epoch = 2;
    assert_eq!(new.commit(&Intent::Load(load)).await.unwrap(), Committed::Now(2));
}

#[tokio::test]
async fn a_watermark_never_goes_back() {
    let bench = Bench::new().await;
    let table = bench.table();
    table.commit(&bench.loaded(1)).await.unwrap();
    let mut load = bench.load(2, vec![]);
    load.watermarks[0].1 = 9;
    assert_eq!(table.commit(&Intent::Load(load)).await.unwrap_err().kind, ErrorKind::Diverged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handles_that_race_commit_a_load_once() {
    let bench = Bench::new().await;
    for number in 1..=20 {
        let intent = bench.loaded(number);
        let racers = (0..4).map(|_| {
            let (table, intent) = (bench.table(), intent.clone());
            tokio::spawn(async move { table.commit(&intent).await.unwrap() })
        });
        let outcomes = futures::future::try_join_all(racers).await.unwrap();
        let now = outcomes.iter().filter(|outcome| matches!(outcome, Committed::Now(_))).count();
        assert_eq!(now, 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| outcome.version() == number - 1), "{outcomes:?}");
    }
    assert_eq!(bench.table().state().await.unwrap().rows(), (1..=20).sum::<i64>());
}

#[tokio::test]
async fn a_committer_whose_version_was_taken_while_it_slept_starts_over() {
    let bench = Bench::new().await;
    let (sleeper, other) = (bench.table(), bench.table());
    sleeper.commit(&bench.loaded(1)).await.unwrap();
    let state = sleeper.state().await.unwrap();
    let (mine, theirs) = (bench.loaded(2), bench.loaded(2));
    other.commit(&theirs).await.unwrap();
    // What the sleeper does next with the state that it checked before it slept.
    assert_eq!(sleeper.write(&state, &mine).await.unwrap(), None);
    assert_eq!(sleeper.commit(&mine).await.unwrap_err().kind, ErrorKind::Diverged);
    assert_eq!(sleeper.commit(&theirs).await.unwrap(), Committed::AlreadyThere(1));
}

#[tokio::test]
async fn every_step_leads_to_what_opening_anew_shows() {
    let bench = Bench::new().await;
    let (writer, follower) = (bench.table(), bench.table());
    let mut paths = Vec::new();
    for number in 1..=12 {
        let mut load = bench.load(number, vec![bench.file("2023-11-14", number), bench.file("2023-11-15", number)]);
        paths.extend(load.add.iter().map(|file| file.path.clone()));
        if number % 4 == 0 {
            load.remove = vec![paths.remove(0)];
            load.columns.push(Column::new(format!("c{number}"), Type::Decimal { precision: 18, scale: 6 }));
            load.watermarks.push((format!("eu-{number}").parse().unwrap(), number));
        }
        writer.commit(&Intent::Load(load)).await.unwrap();
        if number == 7 {
            writer.checkpoint().await.unwrap();
        }
        let anew = told(&bench.table().refresh().await.unwrap());
        assert_eq!(told(&follower.refresh().await.unwrap()), anew);
        assert_eq!(told(&writer.state().await.unwrap()), anew);
    }
}

#[tokio::test]
async fn a_handle_that_slept_through_the_end_of_its_log_opens_anew() {
    let bench = Bench::new().await;
    let (sleeper, newcomer, writer) = (bench.table(), bench.table(), bench.table());
    assert_eq!(newcomer.state().await.unwrap().version, -1);
    writer.commit(&bench.loaded(1)).await.unwrap();
    let slept = sleeper.refresh().await.unwrap();
    for number in 2..=5 {
        writer.commit(&bench.loaded(number)).await.unwrap();
    }
    writer.checkpoint().await.unwrap();
    for version in 0..=3 {
        bench.store.delete(&bench.entry(version)).await.unwrap();
    }
    assert_eq!(newcomer.refresh().await.unwrap().load, 5);
    // Even awake in the midst of a commit it does not take the hole for the next version.
    assert_eq!(sleeper.write(&slept, &bench.loaded(2)).await.unwrap(), None);
    assert_eq!(sleeper.refresh().await.unwrap().load, 5);
    assert_eq!(sleeper.commit(&bench.loaded(6)).await.unwrap(), Committed::Now(5));
}

#[tokio::test]
async fn a_protocol_that_another_writer_raised_is_refused() {
    let bench = Bench::new().await;
    let table = bench.table();
    table.commit(&bench.loaded(1)).await.unwrap();
    let entry = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[]}}\n";
    assert!(bench.store.put_if_absent(&bench.entry(1), entry.into()).await.unwrap());
    assert_eq!(table.commit(&bench.loaded(2)).await.unwrap_err().kind, ErrorKind::Diverged);
}

#[tokio::test]
async fn a_table_of_five_hundred_versions_opens() {
    let bench = Bench::new().await;
    let table = bench.table();
    for number in 1..=500 {
        table.commit(&bench.loaded(number)).await.unwrap();
        if number % limits::CHECKPOINT_VERSIONS == 0 {
            table.checkpoint().await.unwrap();
        }
    }
    assert_eq!(table.checkpointed().await.unwrap(), 499);
    let state = bench.table().state().await.unwrap();
    assert_eq!((state.version, state.load, state.files.size()), (499, 500, 500));
    assert_eq!(told(&state), told(&table.state().await.unwrap()));
}

#[tokio::test]
async fn a_log_that_was_cut_off_opens_and_a_reader_of_what_was_cut_off_finds_the_newest() {
    let bench = Bench::new().await;
    let (table, behind) = (bench.table(), bench.table());
    for number in 1..=20 {
        table.commit(&bench.loaded(number)).await.unwrap();
        if number == 5 {
            behind.state().await.unwrap();
        }
    }
    table.checkpoint().await.unwrap();
    table.commit(&bench.loaded(21)).await.unwrap();
    table.cut_log(19).await.unwrap();
    table.cut_log(19).await.unwrap();
    assert!(bench.store.get(&bench.entry(18)).await.is_err() && bench.store.get(&bench.entry(19)).await.is_ok());
    for reader in [&behind, &bench.table(), &table] {
        let state = reader.refresh().await.unwrap();
        assert_eq!((state.version, state.load, state.files.size()), (20, 21, 21));
    }
}

#[tokio::test]
async fn a_rewrite_of_a_file_that_has_left_changes_nothing() {
    let bench = Bench::new().await;
    let table = bench.table();
    table.commit(&bench.loaded(1)).await.unwrap();
    let old = table.state().await.unwrap().files.values().next().unwrap().data.clone();
    let rewrite = |remove: &str, add: &str| {
        let add = vec![DataFile { path: add.into(), ..old.clone() }];
        Intent::Rewrite(Rewrite { epoch: 1, add, remove: vec![remove.to_owned()] })
    };
    assert_eq!(table.commit(&rewrite(&old.path, "new.parquet")).await.unwrap().version(), 1);
    assert_eq!(table.commit(&rewrite(&old.path, "newer.parquet")).await.unwrap_err().kind, ErrorKind::Stale);
    let state = bench.table().refresh().await.unwrap();
    assert_eq!((state.version, state.load, state.files.keys().map(String::as_str).collect::<Vec<_>>()), (1, 1, vec!["new.parquet"]));
}
