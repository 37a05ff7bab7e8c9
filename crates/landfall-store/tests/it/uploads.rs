//! Streaming uploads: what comes out is what went in, with its digest, or nothing.

use bytes::Bytes;
use futures::TryStreamExt;
use landfall_model::ErrorKind;
use landfall_store::Store;
use sha2::{Digest, Sha256};

use crate::backends::{BUCKET, both, noise, s3_request};

async fn digest_of(store: &Store, key: &str) -> String {
    let mut digest = Sha256::new();
    let mut pieces = store.stream(key, None).await.unwrap();
    while let Some(piece) = pieces.try_next().await.unwrap() {
        digest.update(&piece);
    }
    hex::encode(digest.finalize())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_arrive_as_they_were_sent() {
    let (_root, stores) = both().await;
    let source = Bytes::from(noise(1 << 20, 7));
    for (name, store) in stores {
        // Fewer for S3, whose test server is slow: still several parts.
        let enough = if name == "s3" { 30_000_000 } else { 100_000_000 };
        let mut upload = store.upload("landings/large").await.unwrap();
        let mut expected = Sha256::new();
        let mut sent = 0;
        // Pieces of many sizes, some as small as slow clients send them.
        for number in 0.. {
            let piece = source.slice(number % 1000..number % 1000 + [1, 100, 8_192, 65_536, 700_000][number % 5]);
            expected.update(&piece);
            sent += piece.len() as u64;
            upload.write(piece).await.unwrap();
            if sent > enough {
                break;
            }
        }
        let stored = upload.finish().await.unwrap();
        assert_eq!((stored.size, &stored.digest), (sent, &hex::encode(expected.finalize())), "{name}");
        assert_eq!(store.size("landings/large").await.unwrap(), sent);
        assert_eq!(digest_of(&store, "landings/large").await, stored.digest, "{name}");
    }
}

#[tokio::test]
async fn small_and_empty_uploads_are_objects_too() {
    let (_root, stores) = both().await;
    for (name, store) in stores {
        let stored = store.upload("empty").await.unwrap().finish().await.unwrap();
        assert_eq!(stored.digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "{name}");
        assert_eq!((stored.size, store.get("empty").await.unwrap().len()), (0, 0));
        let mut upload = store.upload("small").await.unwrap();
        upload.write(Bytes::from_static(b"ab")).await.unwrap();
        upload.write(Bytes::from_static(b"c")).await.unwrap();
        let stored = upload.finish().await.unwrap();
        assert_eq!(stored.digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "{name}");
        assert_eq!(store.get("small").await.unwrap(), "abc");
    }
}

#[tokio::test]
async fn an_upload_that_ends_early_leaves_nothing() {
    let (root, stores) = both().await;
    for (name, store) in stores {
        for dropped in [false, true] {
            let mut upload = store.upload("landings/given-up").await.unwrap();
            for _ in 0..20 {
                upload.write(noise(1 << 20, 3).into()).await.unwrap();
            }
            if dropped {
                drop(upload);
            } else {
                upload.abort().await;
            }
            assert_eq!(store.size("landings/given-up").await.unwrap_err().kind, ErrorKind::NotFound, "{name}");
            until(|| match name {
                "local" => std::fs::read_dir(root.path().join(".tmp")).unwrap().count() == 0,
                _ => !s3_request("GET", &format!("{BUCKET}?uploads"), "").contains("given-up"),
            })
            .await;
        }
    }
}

/// Waits for what a dropped upload does behind our back.
async fn until(done: impl Fn() -> bool) {
    let waited = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waited).await.expect("something of the upload stays");
}
