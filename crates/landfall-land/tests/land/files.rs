//! Files: inline or streamed, whole or not at all.

use bytes::Bytes;
use landfall_catalog::landings::Body;
use landfall_model::{BodyPlace, Error, ErrorKind};

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

#[tokio::test]
async fn a_file_is_deleted_once() {
    on_each_catalog(async |open| {
        open.put("a", vec![Ok(Bytes::from_static(b"abc"))], None).await.unwrap();
        let key = "a".parse().unwrap();
        assert!(open.land.delete(&admin(), &orders(), &key).await.unwrap());
        assert!(!open.land.delete(&admin(), &orders(), &key).await.unwrap());
    })
    .await;
}
