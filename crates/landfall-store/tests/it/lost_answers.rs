//! What only S3 can do to us: answers that get lost, buckets that keep what was deleted.

use bytes::Bytes;
use landfall_model::ErrorKind;

use crate::backends::{open_s3, s3, s3_request};

#[tokio::test]
async fn a_create_whose_answer_is_lost_knows_its_own_object() {
    let store = s3().await;
    for key in ["lost-answer/mine", "lost-request/mine"] {
        assert!(store.put_if_absent(key, Bytes::from_static(b"mine")).await.unwrap(), "{key}");
        assert_eq!(store.get(key).await.unwrap(), "mine");
    }
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_knows_another_s_object() {
    let store = s3().await;
    for key in ["lost-answer/theirs", "lost-request/theirs"] {
        store.put(key, Bytes::from_static(b"theirs")).await.unwrap();
        assert!(!store.put_if_absent(key, Bytes::from_static(b"mine")).await.unwrap(), "{key}");
        assert_eq!(store.get(key).await.unwrap(), "theirs");
    }
}

#[tokio::test]
async fn a_bucket_with_versions_is_refused() {
    // Any store brings the server up.
    let _running = s3().await;
    s3_request("PUT", "versioned", "");
    open_s3("versioned", "").await.unwrap();
    let on =
        "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status></VersioningConfiguration>";
    s3_request("PUT", "versioned?versioning", on);
    let error = open_s3("versioned", "").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("`versioned` keeps old versions"), "{error}");
    assert_eq!(open_s3("no-such-bucket", "").await.unwrap_err().kind, ErrorKind::NotFound);
}
