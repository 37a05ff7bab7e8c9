//! The local store as deltalake and DataFusion see it.

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{CopyMode, CopyOptions, Error, ObjectStoreExt, PutMode, PutPayload, RenameOptions, RenameTargetMode};

use crate::backends::{local, noise};

fn payload(bytes: impl Into<Bytes>) -> PutPayload {
    bytes.into().into()
}

#[tokio::test]
async fn a_log_entry_is_created_once() {
    let (_root, store) = local();
    let objects = store.object_store();
    let path = Path::from("tables/orders/_delta_log/00000000000000000000.json");
    objects.put_opts(&path, payload("mine"), PutMode::Create.into()).await.unwrap();
    let taken = objects.put_opts(&path, payload("theirs"), PutMode::Create.into()).await.unwrap_err();
    assert!(matches!(taken, Error::AlreadyExists { .. }), "{taken}");
    assert_eq!(store.get(path.as_ref()).await.unwrap(), "mine");
    let create = CopyOptions::new().with_mode(CopyMode::Create);
    objects.put(&Path::from("staged"), payload("staged")).await.unwrap();
    assert!(matches!(objects.copy_opts(&Path::from("staged"), &path, create).await, Err(Error::AlreadyExists { .. })));
    let rename = || RenameOptions::new().with_target_mode(RenameTargetMode::Create);
    assert!(matches!(objects.rename_opts(&Path::from("staged"), &path, rename()).await, Err(Error::AlreadyExists { .. })));
    objects.rename_opts(&Path::from("staged"), &Path::from("named"), rename()).await.unwrap();
    assert_eq!(store.get("named").await.unwrap(), "staged");
    assert!(matches!(objects.head(&Path::from("staged")).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn parts_come_in_any_order_and_none_may_be_missing() {
    let (root, store) = local();
    let objects = store.object_store();
    let path = Path::from("tables/orders/part.parquet");
    let parts: Vec<Bytes> = (0..5).map(|seed| noise(5 << 20, seed).into()).collect();
    let mut upload = objects.put_multipart(&path).await.unwrap();
    let mut written: Vec<_> = parts.iter().map(|part| upload.put_part(part.clone().into())).collect();
    written.reverse();
    futures::future::try_join_all(written).await.unwrap();
    assert!(objects.head(&path).await.is_err(), "not complete yet");
    upload.complete().await.unwrap();
    assert_eq!(objects.get(&path).await.unwrap().bytes().await.unwrap(), parts.concat());

    let mut upload = objects.put_multipart(&Path::from("torn")).await.unwrap();
    upload.put_part(payload("first")).await.unwrap();
    drop(upload.put_part(payload("never written")));
    upload.complete().await.unwrap_err();
    let mut upload = objects.put_multipart(&Path::from("torn")).await.unwrap();
    upload.put_part(payload("first")).await.unwrap();
    upload.abort().await.unwrap();
    drop(upload);
    assert!(objects.head(&Path::from("torn")).await.is_err());
    assert_eq!(std::fs::read_dir(root.path().join(".tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_being_written_is_not_to_be_seen() {
    let (_root, store) = local();
    let objects = store.object_store();
    objects.put(&Path::from("a/b"), payload("1")).await.unwrap();
    objects.put(&Path::from("c"), payload("2")).await.unwrap();
    let _upload = objects.put_multipart(&Path::from("d")).await.unwrap();
    let listed: Vec<_> = objects.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    let top = objects.list_with_delimiter(None).await.unwrap();
    assert_eq!(top.common_prefixes, [Path::from("a")]);
    assert_eq!(top.objects.len(), 1);
    assert!(objects.put(&Path::from(".tmp/x"), payload("3")).await.is_err());
    assert!(objects.delete(&Path::from("none")).await.is_err());
}
