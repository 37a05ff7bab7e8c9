//! Of the folder: names are given once, nothing half-done stays, and threads that remove folders lose nobody's file.

use std::sync::Barrier;
use std::thread;

use super::*;

fn folder() -> (tempfile::TempDir, Arc<Folder>) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Arc::new(Folder::open(&dir.path().join("deep/store")).unwrap());
    (dir, folder)
}

fn temp_files(folder: &Folder) -> usize {
    fs::read_dir(folder.root().join(TEMP)).unwrap().count()
}

#[test]
fn of_eight_writers_one_gets_the_name() {
    let (_dir, folder) = folder();
    for round in 0..50 {
        let to = folder.path(&format!("log/{round}/entry")).unwrap();
        let start = Barrier::new(8);
        let won = thread::scope(|scope| {
            let writers: Vec<_> = (0..8u8)
                .map(|number| {
                    let (folder, to, start) = (&folder, &to, &start);
                    scope.spawn(move || {
                        start.wait();
                        folder.put(to, [[number; 100].as_slice()].into_iter(), Mode::Create).unwrap().then_some(number)
                    })
                })
                .collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(won.len(), 1, "round {round}");
        assert_eq!(fs::read(&to).unwrap(), [won[0]; 100]);
    }
    assert_eq!(temp_files(&folder), 0);
}

#[test]
fn folders_come_and_go_under_writers_and_no_file_is_lost() {
    let (_dir, folder) = folder();
    thread::scope(|scope| {
        for number in 0..4 {
            let folder = &folder;
            scope.spawn(move || {
                for round in 0..100 {
                    let path = folder.path(&format!("day/hour/{number}-{round}")).unwrap();
                    assert!(folder.put(&path, [b"x".as_slice()].into_iter(), Mode::Overwrite).unwrap());
                    assert!(folder.remove(&path).unwrap(), "{path:?} was written and is gone");
                    assert!(!folder.remove(&path).unwrap());
                }
            });
        }
    });
    assert!(!folder.root().join("day").exists(), "empty folders stay");
}

#[test]
fn folders_that_somebody_else_removed_are_made_again() {
    let (_dir, folder) = folder();
    let path = folder.path("a/b/c/object").unwrap();
    for _ in 0..2 {
        assert!(folder.put(&path, [b"x".as_slice()].into_iter(), Mode::Create).unwrap());
        fs::remove_dir_all(folder.root().join("a")).unwrap();
    }
}

#[test]
fn opening_sweeps_what_nobody_writes_any_more() {
    let (_dir, folder) = folder();
    let left = folder.root().join(TEMP).join("1-0");
    fs::write(&left, "half").unwrap();
    let mut writing = folder.begin().unwrap();
    writing.write_all(b"whole").unwrap();
    Folder::open(folder.root()).unwrap();
    assert!(!left.exists());
    let to = folder.path("object").unwrap();
    assert!(writing.publish(&to, Mode::Create).unwrap());
    assert_eq!(fs::read(to).unwrap(), b"whole");
}

#[test]
fn a_file_that_is_dropped_is_gone() {
    let (_dir, folder) = folder();
    let mut temp = folder.begin().unwrap();
    temp.write_all(b"half").unwrap();
    assert_eq!(temp_files(&folder), 1);
    drop(temp);
    assert_eq!(temp_files(&folder), 0);
}

#[test]
fn a_link_is_a_second_name() {
    let (_dir, folder) = folder();
    let path = |key: &str| folder.path(key).unwrap();
    folder.put(&path("a"), [b"1".as_slice()].into_iter(), Mode::Create).unwrap();
    folder.put(&path("taken"), [b"2".as_slice()].into_iter(), Mode::Create).unwrap();
    assert!(folder.link(&path("a"), &path("x/b"), Mode::Create).unwrap());
    assert!(!folder.link(&path("a"), &path("taken"), Mode::Create).unwrap());
    assert!(folder.link(&path("a"), &path("taken"), Mode::Overwrite).unwrap());
    folder.remove(&path("a")).unwrap();
    assert_eq!((fs::read(path("x/b")).unwrap(), fs::read(path("taken")).unwrap()), (b"1".to_vec(), b"1".to_vec()));
    assert_eq!(folder.link(&path("a"), &path("c"), Mode::Create).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn no_key_leaves_the_folder() {
    let (_dir, folder) = folder();
    for bad in ["", "/etc/passwd", "a/../../b", ".tmp/1-0", "a//b", "./a"] {
        assert_eq!(folder.path(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
    }
}
