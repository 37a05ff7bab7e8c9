//! On a disk that fills up nothing half-written stays, the error says so, and once there is room again all goes on.

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use landfall_model::{Clock, ErrorKind};
use landfall_store::Store;
use object_store::ObjectStoreExt;

use crate::backends::noise;

const ROOT: &str = "LANDFALL_TEST_FULL_DISK";

/// Runs itself again in a namespace of its own, where a file system of 8 MiB is mounted.
#[tokio::test]
#[allow(clippy::print_stderr, reason = "a test that could not be run has to say so")]
async fn a_full_disk_is_said_and_survived() {
    if let Some(root) = std::env::var_os(ROOT) {
        return fill(Path::new(&root)).await;
    }
    let root = tempfile::tempdir().unwrap();
    let namespace = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-euc", script, "sh"]).arg(root.path());
        unshare.arg(std::env::current_exe().unwrap()).env(ROOT, root.path());
        unshare.output()
    };
    let mount = "mount -t tmpfs -o size=8m none \"$1\"";
    if !namespace(mount).is_ok_and(|mounted| mounted.status.success()) {
        eprintln!("not tested: this system lets nobody mount in a namespace, so no disk was full");
        return;
    }
    let run = namespace(&format!("{mount}; \"$2\" --exact full_disk::a_full_disk_is_said_and_survived")).unwrap();
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}

async fn fill(root: &Path) {
    let store = Store::local(root, Clock::system()).unwrap();
    store.put("kept", noise(1000, 1).into()).await.unwrap();
    let large = Bytes::from(noise(10 << 20, 2));

    let error = store.put("a/large", large.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::StorageFull);
    assert!(error.message.contains("put object `a/large`: No space left on device"), "{error}");
    assert_eq!(store.put_if_absent("a/large", large.clone()).await.unwrap_err().kind, ErrorKind::StorageFull);
    let mut upload = store.upload("a/large").await.unwrap();
    // The write that fails is told of by the next one, or at the end.
    let written = upload.write(large.clone()).await;
    let ended = match written {
        Ok(()) => upload.finish().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(ended.kind, ErrorKind::StorageFull, "{ended}");
    assert_eq!(store.segments().unwrap().append(&[large.slice(..10)]).unwrap_err().kind, ErrorKind::StorageFull);
    let through = store.object_store().put(&"a/large".into(), large.clone().into()).await.unwrap_err();
    assert_eq!(landfall_store::from_object_store("write", &through).kind, ErrorKind::StorageFull);

    assert_eq!(store.size("a/large").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(root.join(".tmp")).unwrap().count(), 0);
    assert_eq!(store.get("kept").await.unwrap(), noise(1000, 1));
    store.put("a/fits", large.slice(..5 << 20)).await.unwrap();
}
