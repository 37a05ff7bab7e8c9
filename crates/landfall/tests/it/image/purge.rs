//! Purged is gone: a marker that was in bodies, keys, rows, rejects, reasons
//! and statistics is in no file, no object and no table once its time is over, and
//! what landed later is all there.

use std::path::Path;
use std::time::Duration;

use landfall_catalog::holds::Subject;
use landfall_catalog::lists::Page;
use landfall_catalog::testing::TestCatalog;
use landfall_model::{Column, Dataset, DatasetName, Timestamp, Type};
use serde_json::json;

use super::bucket::Bucket;
use super::world::{READERS_GONE, SIDES, Work, World};

const MARKER: &str = "Wintermute";

fn datasets() -> Vec<Dataset> {
    let dataset = |name: &str| Dataset {
        retention: Some("7d".parse().unwrap()),
        archive_after: Some("2d".parse().unwrap()),
        columns: Some(vec![Column::new("id", Type::Bigint), Column::new("name", Type::Text)]),
        ..Dataset::new(name.parse().unwrap())
    };
    vec![dataset("events"), dataset("files")]
}

/// Files below `folder` that hold the marker, in their names or in their bytes.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if path.to_string_lossy().contains(text) || bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Everywhere that the text is found.
async fn found(world: &World, text: &str) -> Vec<String> {
    let (catalog, folder) = world.places();
    let mut found = files_with(folder, text);
    if let Some(folder) = catalog.folder() {
        found.extend(files_with(folder, text));
    }
    found.extend(catalog.tables_with(text).await);
    found.extend(world.objects_with(text).await);
    found
}

/// Lands `text` in every way that there is, good and bad, replaced and deleted.
async fn land(world: &World, events: &DatasetName, files: &DatasetName, text: &str) {
    world.post(events, format!("{{\"id\":1,\"name\":\"{text}\"}}\n{{\"id\":\"{text}\"}}\n")).await;
    let rows: String = (0..300).map(|id| format!("{{\"id\":{id},\"name\":\"{text} {id}\"}}\n")).collect();
    world.post(events, rows.repeat(8)).await;
    let table = |rows: usize| (0..rows).fold("id,name\n".to_owned(), |all, id| all + &format!("{id},{text} {id}\n"));
    world.put_bytes(files, &format!("{text}/small.csv"), table(3).into()).await;
    world.put_bytes(files, &format!("{text}/large.csv"), table(90_000).into()).await;
    world.put_bytes(files, &format!("{text}/bad record.csv"), format!("id,name\n1,a\n{text},b\n").into()).await;
    world.put_bytes(files, &format!("{text}/unread.csv"), format!("id,name\n1,\"{text}\n").into()).await;
    world.put_bytes(files, &format!("{text}/replaced.csv"), table(4).into()).await;
    world.settle().await;
    world.put_bytes(files, &format!("{text}/replaced.csv"), table(5).into()).await;
    world.put_bytes(files, &format!("{text}/deleted.csv"), table(6).into()).await;
    world.settle().await;
    assert!(world.delete(files, &format!("{text}/deleted.csv")).await);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(90));
        world.settle().await;
    }
}

async fn days(world: &World, days: u64) {
    for _ in 0..days {
        world.clock.advance(Duration::from_secs(86_400));
        world.settle().await;
    }
}

async fn purge(world: World) {
    let (events, files): (DatasetName, DatasetName) = ("events".parse().unwrap(), "files".parse().unwrap());
    land(&world, &events, &files, MARKER).await;
    days(&world, 3).await;
    assert!(world.archived().await.len() > 1, "bytes are in the archive");
    let there = found(&world, MARKER).await;
    assert!(there.len() > 8, "the marker is found where it is: {there:?}");
    land(&world, &events, &files, "survivor").await;
    let rows = async || world.rows("select count(*), count(distinct _landing) from files where name like 'survivor%'").await;
    let before = rows().await;
    days(&world, 6).await;
    for _ in 0..3 {
        world.clock.advance(READERS_GONE);
        world.settle().await;
    }

    assert_eq!(found(&world, MARKER).await, Vec::<String>::new(), "the marker is still there");
    assert_eq!(world.rows("select count(*) from events where name is not null").await, [json!([2401])]);
    assert_eq!(rows().await, before);
    let first = world.rows("select count(*) from files where name like 'Winter%'").await;
    assert_eq!(first, [json!([0])]);
    let report = world.catalog().list_purges(&Page { dataset: None, after: None, limit: 100 }).await.unwrap();
    let of = |name: &DatasetName| report.iter().filter(|purge| purge.dataset == *name).collect::<Vec<_>>();
    assert_eq!(of(&files).len(), 7, "{report:#?}");
    assert_eq!(of(&events).iter().map(|purge| purge.records).sum::<i64>(), 2402, "{report:#?}");
    assert!(report.iter().all(|purge| purge.bytes_at.is_some() && purge.digest.len() == 64), "{report:#?}");
    for audit in world.catalog().audit(None).await.unwrap() {
        assert!(audit.balances(), "{audit:?} is off by {:?}", audit.difference());
    }
}

/// The bytes of a purged landing are said to be gone once they are gone from its side tables too, and not before.
async fn purge_beside(mut world: World) {
    let (events, files): (DatasetName, DatasetName) = ("events".parse().unwrap(), "files".parse().unwrap());
    let [of_events, of_files, stopped] = SIDES.map(|name| name.parse::<DatasetName>().unwrap());
    land(&world, &events, &files, MARKER).await;
    let (from, to) = (Timestamp(0), world.clock.now());
    world.replay_beside(&events, &of_events, from, to).await.unwrap();
    world.replay_beside(&files, &of_files, from, to).await.unwrap();
    world.settle().await;
    let held = |name: &DatasetName| format!("select count(*) from {name} where name like '{MARKER}%'");
    assert_eq!(world.rows(&held(&of_events)).await, [json!([2401])]);
    assert_eq!(world.rows(&held(&of_files)).await, [json!([90_008])]);
    // Another is still being staged when the purge comes.
    let halfway = world.replay_beside(&files, &stopped, from, to).await.unwrap();
    for _ in 0..3 {
        world.work(Work::Replay, None).await;
    }
    world.catalog().pause_replay(&halfway.id).await.unwrap();
    let beside = async |world: &World, name: &DatasetName| {
        world.objects_with(MARKER).await.into_iter().filter(|key| key.contains(&format!("/{name}/"))).count()
    };
    assert!(beside(&world, &of_events).await > 2 && beside(&world, &of_files).await > 1 && beside(&world, &stopped).await > 0);

    // The keepers of two of them are slow: what they do not do, no report says.
    world.rest(&of_events);
    world.rest(&stopped);
    days(&world, 8).await;
    for _ in 0..3 {
        world.clock.advance(READERS_GONE);
        world.settle().await;
    }
    let report = async |world: &World| world.catalog().list_purges(&Page { dataset: None, after: None, limit: 100 }).await.unwrap();
    let purged = report(&world).await;
    assert!(purged.len() > 7 && purged.iter().all(|purge| purge.bytes_at.is_none()), "{purged:#?}");
    assert!(beside(&world, &of_events).await > 2 && beside(&world, &stopped).await > 0, "nobody took it out");
    assert_eq!(beside(&world, &of_files).await, 0, "its keeper did its work");
    world.restart().await;
    for step in 0.. {
        world.settle().await;
        let done = report(&world).await.iter().all(|purge| purge.bytes_at.is_some());
        let left = found(&world, MARKER).await;
        assert!(!done || left.is_empty(), "the report says that nothing is left: {left:?}");
        if done {
            break;
        }
        assert!(step < 100, "{left:?} are left: {:#?}", report(&world).await);
        world.clock.advance(Duration::from_secs(300));
    }
    world.catalog().resume_replay(&halfway.id).await.unwrap();
    world.settle().await;
    assert_eq!(world.catalog().replay(&halfway.id).await.unwrap().state, "done");
    for name in [&of_events, &of_files, &stopped] {
        assert_eq!(world.rows(&format!("select count(*) from {name}")).await, [json!([0])], "{name}");
        world.drop_side(name).await.unwrap();
    }
    world.clock.advance(READERS_GONE);
    world.settle().await;
    let left: Vec<_> =
        world.objects().await.into_iter().filter(|key| SIDES.iter().any(|name| key.contains(&format!("/{name}/")))).collect();
    assert_eq!(left, Vec::<String>::new(), "what was dropped is still there");
}

#[tokio::test]
async fn purged_is_gone_from_the_tables_beside_on_sqlite() {
    purge_beside(World::new(TestCatalog::sqlite(), datasets(), 1).await).await;
}

#[tokio::test]
async fn purged_is_gone_from_the_tables_beside_on_s3_and_postgres() {
    let bucket = Bucket::new().await;
    purge_beside(World::on(TestCatalog::postgres().await, Some(bucket), datasets(), 1).await).await;
}

#[tokio::test]
async fn purged_is_gone_from_the_folder_and_from_sqlite() {
    purge(World::new(TestCatalog::sqlite(), datasets(), 1).await).await;
}

#[tokio::test]
async fn purged_is_gone_from_s3_and_from_postgres() {
    let bucket = Bucket::new().await;
    purge(World::on(TestCatalog::postgres().await, Some(bucket), datasets(), 1).await).await;
}

/// Nothing else is in the dataset that could be over and take them along.
#[tokio::test]
async fn purged_is_gone_where_nothing_of_it_is_in_the_table() {
    let files: DatasetName = "files".parse().unwrap();
    let table = |text: &str| format!("id,name\n1,{text}\n");
    for case in ["deleted", "unread", "replaced while it was held"] {
        let world = World::new(TestCatalog::sqlite(), datasets(), 4).await;
        match case {
            "unread" => drop(world.put_bytes(&files, "a.csv", format!("id,name\n1,\"{MARKER}\n").into()).await),
            "deleted" => {
                world.put_bytes(&files, "a.csv", table(MARKER).into()).await;
                world.settle().await;
                assert!(world.delete(&files, "a.csv").await);
            }
            _ => {
                let held = world.put_bytes(&files, "a.csv", table(MARKER).into()).await;
                world.settle().await;
                world.catalog().hold(Subject::Landing(held.clone()), "a question", "test").await.unwrap();
                world.put_bytes(&files, "a.csv", table("other").into()).await;
                days(&world, 9).await;
                assert!(!found(&world, MARKER).await.is_empty(), "what is held stays");
                world.catalog().release(Subject::Landing(held)).await.unwrap();
            }
        }
        days(&world, 9).await;
        for _ in 0..3 {
            world.clock.advance(READERS_GONE);
            world.settle().await;
        }
        assert_eq!(found(&world, MARKER).await, Vec::<String>::new(), "{case}");
        let report = world.catalog().list_purges(&Page { dataset: None, after: None, limit: 100 }).await.unwrap();
        assert!(!report.is_empty() && report.iter().all(|purge| purge.bytes_at.is_some()), "{case}: {report:#?}");
    }
}
