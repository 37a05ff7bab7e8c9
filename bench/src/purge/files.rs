//! The data files of a table as the disk has them. A file that was written again has another inode, or another time.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::census;

/// What stays the same of a file that nobody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
    bytes: u64,
}

/// By path below the table's folder.
pub struct Files(BTreeMap<String, Stamp>);

impl Files {
    /// Those of `dataset` on a server that lives in `folder`.
    pub fn list(folder: &Path, dataset: &str) -> Result<Files> {
        let table = folder.join("data/store/tables").join(dataset);
        let mut files = BTreeMap::new();
        for path in census::files(&table)? {
            let name = path.strip_prefix(&table)?.to_string_lossy().into_owned();
            if !name.starts_with("_delta_log/") {
                let file = std::fs::metadata(&path).with_context(|| name.clone())?;
                files.insert(name, Stamp { inode: file.ino(), modified: (file.mtime(), file.mtime_nsec()), bytes: file.len() });
            }
        }
        Ok(Files(files))
    }

    pub fn bytes_of(&self, paths: &[String]) -> Result<u64> {
        paths.iter().map(|path| self.0.get(path).map(|file| file.bytes).with_context(|| format!("{path} was not there before"))).sum()
    }

    /// Fails unless each file of the table `now` is as it was, and nothing was written beside them. How many they are, and their bytes.
    pub fn check_unchanged(&self, after: &Files, now: &BTreeSet<String>) -> Result<(u64, u64)> {
        let mut bytes = 0;
        for path in now {
            let (was, is) = (self.0.get(path), after.0.get(path));
            let stamp = was.filter(|was| is == Some(was)).with_context(|| format!("{path} was {was:?} and is {is:?}"))?;
            bytes += stamp.bytes;
        }
        let new: Vec<_> = after.0.keys().filter(|path| !self.0.contains_key(*path)).collect();
        ensure!(new.is_empty(), "new files were written: {new:?}");
        Ok((now.len() as u64, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_again_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("data/store/tables/t");
        std::fs::create_dir_all(table.join("_delta_log")).unwrap();
        for name in ["a", "b", "_delta_log/0.json"] {
            std::fs::write(table.join(name), "12").unwrap();
        }
        let list = || Files::list(folder.path(), "t").unwrap();
        let (before, stay) = (list(), BTreeSet::from(["a".to_owned()]));
        assert_eq!((before.0.len(), before.bytes_of(&["b".into()]).unwrap()), (2, 2));
        std::fs::remove_file(table.join("b")).unwrap();
        assert_eq!(before.check_unchanged(&list(), &stay).unwrap(), (1, 2));
        std::fs::rename(table.join("a"), table.join("old")).unwrap();
        std::fs::copy(table.join("old"), table.join("a")).unwrap();
        std::fs::remove_file(table.join("old")).unwrap();
        assert!(before.check_unchanged(&list(), &stay).is_err());
    }
}
