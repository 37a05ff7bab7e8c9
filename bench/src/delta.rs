//! A Delta table as any program sees it: its folder, and the JSON entries of its log. Only what a bench asks is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// The files that one commit brought in and took out, by their path below the table.
#[derive(Debug, Default)]
pub struct Commit {
    pub adds: Vec<String>,
    pub removes: Vec<String>,
    /// The partitions of what it took out.
    pub removed_partitions: BTreeSet<String>,
}

/// A table's folder, and the files that its log names as far as it was followed.
pub struct Log {
    folder: PathBuf,
    next: u64,
    files: BTreeSet<String>,
}

impl Log {
    /// Of a table that has no commit yet, or whose log is whole: it is followed from its first version on.
    pub fn of(store: &Path, dataset: &str) -> Log {
        Log { folder: store.join("tables").join(dataset).join("_delta_log"), next: 0, files: BTreeSet::new() }
    }

    /// Reads the commits since the last time, by their version. It must be called before the log is cut off past them.
    pub fn follow(&mut self) -> Result<BTreeMap<u64, Commit>> {
        let mut commits = BTreeMap::new();
        loop {
            let path = self.folder.join(format!("{:020}.json", self.next));
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(commits),
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            };
            let commit = read(&text)?;
            self.files.retain(|path| !commit.removes.contains(path));
            self.files.extend(commit.adds.iter().cloned());
            commits.insert(self.next, commit);
            self.next += 1;
        }
    }

    /// The files that the table consists of.
    pub fn files(&self) -> &BTreeSet<String> {
        &self.files
    }
}

fn read(text: &str) -> Result<Commit> {
    let mut commit = Commit::default();
    for line in text.lines() {
        let action: Value = serde_json::from_str(line).with_context(|| format!("an action of the log: {line}"))?;
        if let Some(path) = action["add"]["path"].as_str() {
            commit.adds.push(path.to_owned());
        }
        if let Some(path) = action["remove"]["path"].as_str() {
            commit.removes.push(path.to_owned());
            commit.removed_partitions.insert(action["remove"]["partitionValues"].to_string());
        }
    }
    Ok(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_those_that_came_and_did_not_go() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("tables/t/_delta_log");
        std::fs::create_dir_all(&log).unwrap();
        let write = |version: u64, text: &str| std::fs::write(log.join(format!("{version:020}.json")), text).unwrap();
        write(0, "{\"add\":{\"path\":\"a\"}}\n{\"add\":{\"path\":\"b\"}}\n");
        let mut followed = Log::of(folder.path(), "t");
        assert_eq!(followed.follow().unwrap()[&0].adds, ["a", "b"]);
        write(1, "{\"txn\":{}}\n{\"remove\":{\"path\":\"a\",\"partitionValues\":{\"_partition\":\"2026-03-01\"}}}\n");
        let commits = followed.follow().unwrap();
        assert_eq!((commits.len(), &commits[&1].removes), (1, &vec!["a".to_owned()]));
        assert_eq!(commits[&1].removed_partitions.len(), 1);
        assert_eq!(followed.files().iter().collect::<Vec<_>>(), ["b"]);
        assert!(followed.follow().unwrap().is_empty());
    }
}
