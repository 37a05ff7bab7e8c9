//! What is acknowledged is synced, file and folders, in the right order: seen by tracing a process's system calls.

use std::process::{Command, Stdio};

use crate::crashes::child;

/// The calls of `child_writes` that matter, one a line, with descriptors shown as paths under the root.
#[allow(clippy::print_stderr, reason = "a test that could not be run has to say so")]
fn trace() -> Option<Vec<String>> {
    let installed = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!("not tested: strace is missing, so nobody saw the syncs");
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("trace");
    let traced = child(&root.path().join("store"));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-e", "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat", "-o"]).arg(&out);
    strace.arg(traced.get_program()).args(traced.get_args()).stdout(Stdio::null()).stderr(Stdio::null());
    for (name, value) in traced.get_envs() {
        strace.env(name, value.unwrap());
    }
    assert!(strace.status().unwrap().success());
    let root = root.path().canonicalize().unwrap().display().to_string();
    let text = std::fs::read_to_string(&out).unwrap();
    Some(text.lines().filter(|line| line.contains(&root)).map(|line| line.replace(&root, "ROOT")).collect())
}

/// Finds the first call from `from` on that holds all of `words`, and says where it is.
fn next(trace: &[String], from: usize, words: &[&str]) -> usize {
    let found = trace[from..].iter().position(|line| words.iter().all(|word| line.contains(word)));
    from + found.unwrap_or_else(|| panic!("no call with {words:?} after line {from} of\n{}", trace.join("\n")))
}

#[test]
fn file_and_folders_are_synced_before_anything_is_acknowledged() {
    let Some(trace) = trace() else { return };
    // The root, when the store is opened.
    let at = next(&trace, 0, &["mkdir", "ROOT/store\""]);
    let at = next(&trace, at, &["fsync", "<ROOT>"]);
    // A created object: its bytes, then its new folders, each in the one above, then its name.
    let at = next(&trace, at, &["fdatasync", "ROOT/store/.tmp/"]);
    let at = next(&trace, at, &["mkdir", "ROOT/store/new\""]);
    let at = next(&trace, at, &["fsync", "<ROOT/store>"]);
    let at = next(&trace, at, &["mkdir", "ROOT/store/new/folder\""]);
    let at = next(&trace, at, &["fsync", "<ROOT/store/new>"]);
    let at = next(&trace, at, &["link", "ROOT/store/.tmp/", "ROOT/store/new/folder/created"]);
    let at = next(&trace, at, &["fsync", "<ROOT/store/new/folder>"]);
    // An upload into the same folder.
    let at = next(&trace, at, &["fdatasync", "ROOT/store/.tmp/"]);
    let at = next(&trace, at, &["rename", "ROOT/store/.tmp/", "ROOT/store/new/folder/uploaded"]);
    next(&trace, at, &["fsync", "<ROOT/store/new/folder>"]);
}
