//! Loads and the sink's lease: numbered once, frozen, fenced.

use landfall_catalog::manifests::Recorded;
use landfall_catalog::testing::for_each_catalog;
use landfall_model::{ErrorKind, LoadId};

use crate::support::*;

#[tokio::test]
async fn events_are_loaded_by_range_up_to_a_watermark() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let sink = sink(&catalog).await;
        let (first, second) = (land_events(&catalog, 3).await, land_events(&catalog, 2).await);
        let bytes = first.size + second.size;
        assert_eq!(catalog.waiting_events(&orders()).await.unwrap().events, 5);
        assert_eq!(stage_range(&catalog, &sink, 1, 5, bytes, 1).await, Recorded::Yes);
        assert_eq!(catalog.staged_watermarks(&orders()).await.unwrap(), [(local(), 5)]);
        assert_eq!(audit(&catalog).await.in_flight.records, 5);
        let load = load(&catalog, &sink).await;
        assert_eq!(load.watermarks(), [(local(), 5)]);
        assert_eq!(catalog.watermarks(&orders()).await.unwrap(), [(local(), 5)]);
        assert_eq!(catalog.waiting_events(&orders()).await.unwrap(), Default::default());
        let audit = audit(&catalog).await;
        assert_eq!((audit.loaded.records, audit.rejected.records, audit.in_flight.records), (4, 1, 0));
        assert!(!catalog.load_waits(&orders()).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_committer_that_was_overtaken_changes_nothing() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let stopped = sink(&catalog).await;
        let landing = land_events(&catalog, 3).await;
        stage_range(&catalog, &stopped, 1, 3, landing.size, 0).await;
        assert!(catalog.acquire_sink(&orders(), "other").await.unwrap().is_none(), "the lease holds");
        catalog.abandon_leases().await.unwrap();
        let overtaking = sink(&catalog).await;
        assert_eq!((overtaking.epoch, overtaking.clean), (stopped.epoch + 1, false));

        let id = LoadId::new(catalog.clock());
        assert_eq!(catalog.number_load(&stopped, id).await.unwrap_err().kind, ErrorKind::Stale);
        assert_eq!(stage_range(&catalog, &stopped, 1, 3, landing.size, 0).await, Recorded::LeaseLost);
        assert!(!catalog.renew_sink(&stopped).await.unwrap());
        let open = number(&catalog, &overtaking).await.unwrap();
        assert_eq!(catalog.finish_load(&stopped, &open, 1).await.unwrap_err().kind, ErrorKind::Stale);
        catalog.release_sink(&stopped).await.unwrap();
        assert!(catalog.acquire_sink(&orders(), "third").await.unwrap().is_none(), "who lost a lease cannot give it back");

        catalog.finish_load(&overtaking, &open, 1).await.unwrap();
        assert_eq!(catalog.finish_load(&overtaking, &open, 1).await.unwrap_err().kind, ErrorKind::Stale, "a load is done once");
        assert_eq!(catalog.last_load(&orders()).await.unwrap(), (1, Some(open.id)));
        catalog.release_sink(&overtaking).await.unwrap();
        assert!(sink(&catalog).await.clean);
        audit(&catalog).await;
    })
    .await;
}

#[tokio::test]
async fn an_open_load_is_found_again_as_it_was_numbered() {
    for_each_catalog(async |catalog| {
        declared(&catalog).await;
        let first = sink(&catalog).await;
        let landing = land_events(&catalog, 2).await;
        stage_range(&catalog, &first, 1, 2, landing.size, 0).await;
        let open = number(&catalog, &first).await.unwrap();
        let later = land_events(&catalog, 1).await;
        catalog.abandon_leases().await.unwrap();
        let second = sink(&catalog).await;
        assert_eq!(catalog.open_load(&orders()).await.unwrap(), Some(open.clone()));
        assert_eq!(catalog.staged_watermarks(&orders()).await.unwrap(), [(local(), 2)]);
        catalog.finish_load(&second, &open, 3).await.unwrap();
        assert_eq!(catalog.open_load(&orders()).await.unwrap(), None);
        assert_eq!(catalog.waiting_events(&orders()).await.unwrap().bytes, later.size);
        audit(&catalog).await;
    })
    .await;
}
