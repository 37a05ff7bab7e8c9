//! Side tables: what makes them, what they have of their dataset, and what is
//! left of them when they are dropped.

use landfall_catalog::Catalog;
use landfall_catalog::holds;
use landfall_catalog::replays::{Replay, Unit};
use landfall_catalog::testing::for_each_catalog;
use landfall_model::{
    Action, Column, Counts, Dataset, DatasetName, ErrorKind, Grant, LoadId, Manifest, ManifestId, Result, Subject, Timestamp,
};

use crate::support::*;

fn next() -> DatasetName {
    "orders_next".parse().unwrap()
}

async fn begin(catalog: &Catalog, into: &DatasetName) -> Result<Replay> {
    let now = catalog.clock().now().plus_micros(1_000_000);
    catalog.begin_replay_into(&orders(), Some(into), Timestamp(0), now, "test").await
}

fn granting(to: &str) -> Dataset {
    let grant = Grant { to: to.parse().unwrap(), allow: vec![Action::Query], under: None };
    Dataset { grants: vec![grant], transform: Some("select 1 as one from input".into()), ..Dataset::new(orders()) }
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map(drop).unwrap_err().kind
}

/// What staging a unit for the side table produced: nothing at all.
fn staged(catalog: &Catalog, replay: &Replay, subject: Subject) -> Manifest {
    Manifest {
        id: ManifestId::new(catalog.clock()),
        dataset: next(),
        subject,
        definition_version: replay.version,
        columns_version: 1,
        files: Vec::new(),
        counts: Counts::default(),
        rejects: None,
    }
}

#[tokio::test]
async fn a_side_table_has_its_datasets_grants_and_the_transform_that_made_it() {
    for_each_catalog(async |catalog| {
        catalog.declare(local(), vec![granting("key:one")]).await.unwrap();
        let replay = begin(&catalog, &next()).await.unwrap();
        let side = catalog.dataset(&next()).await.unwrap().unwrap();
        let beside = side.beside.clone().unwrap();
        assert_eq!((&beside.source, &beside.made_by, side.detached), (&orders(), &replay.id, true));
        assert_eq!(side.definition, Dataset { name: next(), ..granting("key:one") });
        assert_eq!(catalog.side_tables(&orders()).await.unwrap(), [next()]);
        assert_eq!(kind(catalog.hold(holds::Subject::Dataset(next()), "a case", "test").await), ErrorKind::Conflict, "its dataset is held");

        let mended = Dataset { transform: Some("select 2 as two from input".into()), ..granting("key:two") };
        catalog.declare(local(), vec![mended.clone()]).await.unwrap();
        let side = catalog.dataset(&next()).await.unwrap().unwrap().definition;
        assert_eq!((side.grants, side.transform), (mended.grants.clone(), granting("key:one").transform), "what made it stays");
        catalog.restart_replay(&replay.id, 2).await.unwrap();
        let side = catalog.dataset(&next()).await.unwrap().unwrap().definition;
        assert_eq!(side.transform, mended.transform, "it begins anew");

        let error = catalog.declare(local(), vec![mended, Dataset::new(next())]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("landfall drop orders_next"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused() {
    for_each_catalog(async |catalog| {
        catalog.declare(local(), vec![Dataset::new(orders()), Dataset::new("other".parse().unwrap())]).await.unwrap();
        assert_eq!(kind(begin(&catalog, &orders()).await), ErrorKind::Conflict);
        assert_eq!(kind(begin(&catalog, &"other".parse().unwrap()).await), ErrorKind::Conflict);
        let replay = begin(&catalog, &next()).await.unwrap();
        assert_eq!(kind(begin(&catalog, &next()).await), ErrorKind::Conflict, "one at a time");
        assert_eq!(kind(catalog.drop_side_table(&next(), |_| "x/".into(), Timestamp(0)).await), ErrorKind::Conflict);
        catalog.cancel_replay(&replay.id).await.unwrap();
        let other = catalog.begin_replay_into(&"other".parse().unwrap(), Some(&next()), Timestamp(0), Timestamp(1), "test").await;
        assert_eq!(kind(other), ErrorKind::Conflict, "it is another dataset's");
        let replay = begin(&catalog, &next()).await.unwrap();
        assert_eq!(catalog.dataset(&next()).await.unwrap().unwrap().beside.unwrap().made_by.to_string().len(), replay.id.to_string().len());
        catalog.cancel_replay(&replay.id).await.unwrap();
        catalog.drop_side_table(&next(), |_| "x/".into(), Timestamp(0)).await.unwrap();
        assert_eq!(catalog.dataset(&next()).await.unwrap(), None);
        assert_eq!(catalog.gone_paths(10).await.unwrap(), ["x/"]);
        assert_eq!(kind(catalog.drop_side_table(&orders(), |_| "x/".into(), Timestamp(0)).await), ErrorKind::Conflict);
        assert_eq!(kind(catalog.drop_side_table(&next(), |_| "x/".into(), Timestamp(0)).await), ErrorKind::UnknownDataset);
    })
    .await;
}

#[tokio::test]
async fn a_replay_beside_changes_nothing_of_its_dataset() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        put(&catalog, "a.csv", "A").await;
        stage(&catalog, &lease(&catalog).await, 10, 1).await;
        let landing = land_events(&catalog, 3).await;
        stage_range(&catalog, &sink, 1, 3, landing.size, 0).await;
        load(&catalog, &sink).await;
        let before = (audit(&catalog).await, catalog.watermarks(&orders()).await.unwrap(), catalog.last_load(&orders()).await.unwrap());

        let replay = begin(&catalog, &next()).await.unwrap();
        let replay = catalog.lease_replay(&orders(), "test").await.unwrap().filter(|leased| leased.id == replay.id).unwrap();
        catalog.extend_columns(&orders(), 0, vec![Column::new("late", "text".parse().unwrap())]).await.unwrap();
        let side_sink = catalog.acquire_sink(&next(), "committer").await.unwrap().unwrap();
        while let Some(unit) = catalog.next_unit(&replay).await.unwrap() {
            assert!(catalog.number_replay(&side_sink, LoadId::new(catalog.clock()), &replay).await.unwrap().is_none(), "it is not whole");
            let (subject, landing) = match unit {
                Unit::Range { region, first, last } => (Subject::Range { region, first, last, except: Vec::new() }, None),
                Unit::Landing(landing) => {
                    let subject = Subject::File { landing: landing.id.clone(), generation: landing.generation };
                    (subject, Some(landing.id))
                }
            };
            let manifest = staged(&catalog, &replay, subject);
            assert!(catalog.record_replayed(&replay, &manifest, landing.as_ref()).await.unwrap());
            assert!(!catalog.record_replayed(&replay, &manifest, landing.as_ref()).await.unwrap(), "once");
        }
        let load = catalog.number_replay(&side_sink, LoadId::new(catalog.clock()), &replay).await.unwrap().unwrap();
        assert_eq!((load.number, load.manifests.len()), (1, 2));
        assert_eq!(catalog.open_load(&next()).await.unwrap(), Some(load.clone()));
        catalog.finish_load(&side_sink, &load, 0).await.unwrap();
        assert_eq!(catalog.replay(&replay.id).await.unwrap().state, "done");
        let after = (audit(&catalog).await, catalog.watermarks(&orders()).await.unwrap(), catalog.last_load(&orders()).await.unwrap());
        assert_eq!(before, after);
        assert!(catalog.audit(Some(next())).await.unwrap().is_empty() && catalog.in_flight().await.unwrap().len() == 1);
        let columns = async |name: DatasetName| catalog.dataset(&name).await.unwrap().unwrap().columns;
        assert_eq!(columns(next()).await, columns(orders()).await);
        assert_eq!(kind(begin(&catalog, &next()).await), ErrorKind::Conflict, "it holds something");
    })
    .await;
}

#[tokio::test]
async fn what_has_left_while_it_was_staged_is_not_recorded() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        put(&catalog, "a.csv", "A").await;
        stage(&catalog, &lease(&catalog).await, 10, 1).await;
        load(&catalog, &sink).await;
        begin(&catalog, &next()).await.unwrap();
        let replay = catalog.lease_replay(&orders(), "test").await.unwrap().unwrap();
        let Some(Unit::Landing(landing)) = catalog.next_unit(&replay).await.unwrap() else { panic!("a file is to be staged") };
        let subject = Subject::File { landing: landing.id.clone(), generation: landing.generation };
        delete(&catalog, "a.csv").await;
        assert!(!catalog.record_replayed(&replay, &staged(&catalog, &replay, subject), Some(&landing.id)).await.unwrap());
        assert_eq!(catalog.next_unit(&replay).await.unwrap(), None);
        audit(&catalog).await;
    })
    .await;
}
