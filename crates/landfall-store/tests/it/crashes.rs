//! A process that dies between the steps of a write leaves the whole object or none.

use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use landfall_model::Clock;
use landfall_store::Store;

const ROOT: &str = "LANDFALL_TEST_STORE";

/// The child's part: it writes into the store that the parent names. Run by itself it writes into one of its own.
#[tokio::test]
async fn child_writes() {
    let own = tempfile::tempdir().unwrap();
    let root = std::env::var_os(ROOT).unwrap_or(own.path().into());
    let store = Store::local(Path::new(&root), Clock::system()).unwrap();
    assert!(store.put_if_absent("new/folder/created", Bytes::from_static(b"whole")).await.unwrap());
    let mut upload = store.upload("new/folder/uploaded").await.unwrap();
    upload.write(Bytes::from_static(b"whole")).await.unwrap();
    upload.finish().await.unwrap();
}

/// This test binary once more, running only `child_writes` on `root`.
pub fn child(root: &Path) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "crashes::child_writes"]).env(ROOT, root);
    child.stdout(Stdio::null()).stderr(Stdio::null());
    child
}

#[tokio::test]
async fn a_write_that_is_cut_short_is_whole_or_not_there() {
    for (point, objects) in [
        ("store.publish.synced", vec![]),
        ("store.publish.named", vec!["new/folder/created"]),
        ("store.publish.synced:2", vec!["new/folder/created"]),
        ("store.publish.named:2", vec!["new/folder/created", "new/folder/uploaded"]),
    ] {
        let root = tempfile::tempdir().unwrap();
        assert!(!child(root.path()).env("LANDFALL_CRASH_POINT", point).status().unwrap().success(), "{point} was never passed");
        let store = Store::local(root.path(), Clock::system()).unwrap();
        for key in ["new/folder/created", "new/folder/uploaded"] {
            assert_eq!(store.get(key).await.is_ok_and(|bytes| bytes == "whole"), objects.contains(&key), "{point}: {key}");
        }
        assert_eq!(std::fs::read_dir(root.path().join(".tmp")).unwrap().count(), 0, "{point}: what was left is swept");
    }
}

/// The state letter of a process, as the kernel shows it.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[tokio::test]
async fn a_write_that_is_halted_goes_on_when_it_is_woken() {
    let root = tempfile::tempdir().unwrap();
    let mut halted = child(root.path());
    halted.env("LANDFALL_CRASH_POINT", "store.publish.synced").env("LANDFALL_CRASH_MODE", "stop");
    let mut halted = halted.spawn().unwrap();
    while state(halted.id()) != Some('T') {
        assert_eq!(halted.try_wait().unwrap(), None, "it ended without having been halted");
    }
    // It is still being written: opening the store must not sweep it.
    let store = Store::local(root.path(), Clock::system()).unwrap();
    assert!(store.get("new/folder/created").await.is_err());
    let pid = rustix::process::Pid::from_child(&halted);
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    assert!(halted.wait().unwrap().success());
    assert_eq!(store.get("new/folder/created").await.unwrap(), "whole");
}
