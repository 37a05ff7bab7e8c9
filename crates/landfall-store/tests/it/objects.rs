//! Objects by key: written whole, read whole or in part, listed, deleted.

use bytes::Bytes;
use futures::TryStreamExt;
use landfall_model::ErrorKind;
use landfall_store::Store;

use crate::backends::{both, noise};

async fn keys(store: &Store, prefix: &str) -> Vec<(String, u64)> {
    let mut found: Vec<_> = store.list(prefix).map_ok(|object| (object.key, object.size)).try_collect().await.unwrap();
    found.sort();
    found
}

#[tokio::test]
async fn what_is_put_is_got() {
    let (_root, stores) = both().await;
    for (name, store) in stores {
        let body = Bytes::from(noise(3 << 20, 1));
        store.put("a/b/one", body.clone()).await.unwrap();
        store.put("a/b/one", body.clone()).await.unwrap();
        assert_eq!(store.get("a/b/one").await.unwrap(), body, "{name}");
        assert_eq!(store.size("a/b/one").await.unwrap(), 3 << 20);
        assert_eq!(store.get_range("a/b/one", 5..1_000_005).await.unwrap(), body.slice(5..1_000_005), "{name}");
        assert_eq!(store.get_range("a/b/one", 9..9).await.unwrap(), Bytes::new());
        let piece: Vec<Bytes> = store.stream("a/b/one", Some(7..2_500_000)).await.unwrap().try_collect().await.unwrap();
        assert_eq!(piece.concat(), body[7..2_500_000], "{name}");
        let whole: Vec<Bytes> = store.stream("a/b/one", None).await.unwrap().try_collect().await.unwrap();
        assert_eq!(whole.concat(), body, "{name}");
    }
}

#[tokio::test]
async fn objects_are_listed_by_folder_and_deleted_for_good() {
    let (root, stores) = both().await;
    for (name, store) in stores {
        assert_eq!(keys(&store, "").await, [], "{name}");
        for key in ["landings/orders/1", "landings/orders/2", "landings/orders_old/1", "tables/x"] {
            store.put(key, Bytes::from_static(b"12345")).await.unwrap();
        }
        let orders = [("landings/orders/1".into(), 5), ("landings/orders/2".into(), 5)];
        assert_eq!(keys(&store, "landings/orders").await, orders, "{name}: a prefix is a folder, not the beginning of a name");
        assert_eq!(keys(&store, "").await.len(), 4);
        assert_eq!(keys(&store, "nowhere").await, []);
        store.delete("landings/orders/1").await.unwrap();
        store.delete("landings/orders/1").await.unwrap();
        assert_eq!(keys(&store, "landings/orders").await, orders[1..], "{name}");
        store.delete("landings/orders/2").await.unwrap();
        assert_eq!(store.get("landings/orders/2").await.unwrap_err().kind, ErrorKind::NotFound, "{name}");
    }
    assert!(!root.path().join("landings/orders").exists(), "an empty folder stays");
}

#[tokio::test]
async fn what_cannot_be_had_says_why() {
    let (_root, stores) = both().await;
    for (name, store) in stores {
        store.put("five", Bytes::from_static(b"12345")).await.unwrap();
        for (start, end) in [(0, 6), (5, 6), (100, 200)] {
            let error = store.get_range("five", start..end).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::RangeNotSatisfiable, "{name}: {error}");
            assert_eq!(error.message, format!("bytes {start}..{end} are asked of object `five`, which has 5"));
            assert_eq!(store.reader("five", Some(start..end)).await.unwrap_err().kind, ErrorKind::RangeNotSatisfiable);
            assert_eq!(store.stream("five", Some(start..end)).await.err().unwrap().kind, ErrorKind::RangeNotSatisfiable);
        }
        assert_eq!(store.size("none").await.unwrap_err().kind, ErrorKind::NotFound, "{name}");
        assert_eq!(store.get_range("none", 0..1).await.unwrap_err().kind, ErrorKind::NotFound, "{name}");
        assert_eq!(store.reader("none", None).await.unwrap_err().kind, ErrorKind::NotFound, "{name}");
        for bad in ["", "/a", "a/", "a//b", "../a", "a/../b"] {
            assert_eq!(store.put(bad, Bytes::new()).await.unwrap_err().kind, ErrorKind::Internal, "{name}: {bad}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_writers_one_creates_the_object() {
    let (_root, stores) = both().await;
    for (name, store) in stores {
        for round in 0..10 {
            let key = format!("tables/orders/_delta_log/{round:020}.json");
            let create = |number: u8| {
                let (store, key) = (store.clone(), key.clone());
                tokio::spawn(async move { store.put_if_absent(&key, vec![number; 1000].into()).await.unwrap().then_some(number) })
            };
            let writers: Vec<_> = (0..8).map(create).collect();
            let won: Vec<_> = futures::future::join_all(writers).await.into_iter().filter_map(Result::unwrap).collect();
            assert_eq!(won.len(), 1, "{name}, round {round}");
            assert_eq!(store.get(&key).await.unwrap(), vec![won[0]; 1000], "{name}, round {round}");
            assert!(
                !store.put_if_absent(&key, vec![won[0]; 1000].into()).await.unwrap(),
                "{name}: the same bytes are there, but not by this call"
            );
        }
    }
}
