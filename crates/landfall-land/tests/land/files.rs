//! Files: inline or streamed, whole or not at all.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::join_all;
use landfall_catalog::landings::Body;
use landfall_land::Put;
use landfall_model::{BodyPlace, Condition, Contents, Error, ErrorKind};

use crate::support::*;

fn mebibytes(count: usize) -> Vec<landfall_model::Result<Bytes>> {
    (0..count).map(|n| Ok(Bytes::from(vec![u8::try_from(n % 251).unwrap(); 1 << 20]))).collect()
}

#[tokio::test]
async fn a_small_file_stays_inline_and_a_large_one_goes_to_the_store() {
    on_each_catalog(async |open| {
        let small = open.put("small", vec![Ok(Bytes::from_static(b"abc"))], Some(3)).await.unwrap();
        assert_eq!(small.digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(open.catalog.body(&small.id).await.unwrap(), Some(Body::Bytes("abc".into())));
        let large = open.put("large", mebibytes(5), None).await.unwrap();
        let landing = open.catalog.landing(&large.id).await.unwrap().unwrap();
        let BodyPlace::Object { key, .. } = &landing.body else { panic!("inline") };
        assert_eq!((open.store.get(key).await.unwrap().len(), large.size), (5 << 20, 5 << 20));
    })
    .await;
}

#[tokio::test]
async fn content_that_is_live_lands_nothing_and_leaves_nothing() {
    on_each_catalog(async |open| {
        let first = open.put("a", mebibytes(3), None).await.unwrap();
        let again = open.put("a", mebibytes(3), None).await.unwrap();
        assert!(again.unchanged && again.id == first.id);
        assert_eq!(open.landings_in_store(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_breaks_off_lands_nothing_and_leaves_nothing() {
    on_each_catalog(async |open| {
        let broken = mebibytes(3).into_iter().chain([Err(Error::new(ErrorKind::BodyTimeout, "the client went away"))]).collect();
        assert_eq!(open.put("a", broken, None).await.unwrap_err().kind, ErrorKind::BodyTimeout);
        assert_eq!(open.put("a", mebibytes(3), Some(7)).await.unwrap_err().kind, ErrorKind::LengthMismatch);
        assert_eq!(open.put("a", vec![Ok(Bytes::from_static(b"abc"))], Some(4)).await.unwrap_err().kind, ErrorKind::LengthMismatch);
        assert_eq!(open.landings_in_store(), 0);
        assert_eq!(open.catalog.live_file(&orders(), &"a".parse().unwrap()).await.unwrap(), None);
    })
    .await;
}

/// Eight writers count to a hundred together: each puts the next number where the last one that it read is still there.
#[tokio::test]
async fn of_many_who_change_the_same_content_one_is_let_through() {
    on_each_catalog(async |open| {
        let open = &open;
        let put = async |number: usize, condition: Condition| {
            let put = Put { condition, ..Put::new("counter".parse().unwrap()) };
            match open.put_as(put, vec![Ok(Bytes::from(number.to_string()))]).await {
                Ok(receipt) => Some(receipt.digest),
                Err(error) => {
                    assert_eq!(error.kind, ErrorKind::PreconditionFailed, "{error}");
                    None
                }
            }
        };
        let put = &put;
        let first = join_all((0..8).map(|_| put(0, Condition::absent()))).await;
        assert_eq!(first.iter().flatten().count(), 1);
        let counted = AtomicUsize::new(0);
        let counted = &counted;
        let count = async || loop {
            let live = open.catalog.live_file(&orders(), &"counter".parse().unwrap()).await.unwrap().unwrap();
            let Some(Body::Bytes(text)) = open.catalog.body(&live.id).await.unwrap() else { continue };
            let number: usize = std::str::from_utf8(&text).unwrap().parse().unwrap();
            if number == 100 {
                return;
            }
            let condition = Condition { is: Some(Contents::OneOf(vec![live.digest])), is_not: None };
            if put(number + 1, condition).await.is_some() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        };
        join_all((0..8).map(|_| count())).await;
        assert_eq!(counted.load(Ordering::Relaxed), 100, "two were let through at one number");
    })
    .await;
}

#[tokio::test]
async fn a_file_is_deleted_once() {
    on_each_catalog(async |open| {
        open.put("a", vec![Ok(Bytes::from_static(b"abc"))], None).await.unwrap();
        let key = "a".parse().unwrap();
        assert!(open.land.delete(&admin(), &orders(), &key, &Condition::default()).await.unwrap());
        assert!(!open.land.delete(&admin(), &orders(), &key, &Condition::default()).await.unwrap());
    })
    .await;
}
