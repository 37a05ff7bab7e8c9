//! What a server keeps on its disk, counted from outside: the bytes of its catalog, and the objects of its store.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Files by what they are, and bytes of the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// SQLite's file and its log.
    pub catalog_bytes: u64,
    /// Parquet files below the tables, those included that have left their table and wait for its last reader.
    pub data: u64,
    /// Files of the tables' logs.
    pub log: u64,
    pub sealed: u64,
    pub segments: u64,
    pub other: u64,
}

impl Census {
    /// Of a server whose data lies in `data`.
    pub fn take(data: &Path) -> Result<Census> {
        let mut census = Census::default();
        for file in std::fs::read_dir(data)?.flatten() {
            if file.file_name().to_string_lossy().starts_with("catalog.db") {
                census.catalog_bytes += file.metadata().map_or(0, |file| file.len());
            }
        }
        let store = data.join("store");
        for path in files(&store)? {
            *census.place(path.strip_prefix(&store)?) += 1;
        }
        Ok(census)
    }

    fn place(&mut self, path: &Path) -> &mut u64 {
        let path = path.to_string_lossy();
        match path.split('/').next() {
            Some("tables") if path.contains("/_delta_log/") => &mut self.log,
            Some("tables") => &mut self.data,
            Some("sealed") => &mut self.sealed,
            Some("segments") => &mut self.segments,
            _ => &mut self.other,
        }
    }

    pub fn objects(&self) -> u64 {
        self.data + self.log + self.sealed + self.segments + self.other
    }

    /// The greater of each.
    pub fn most(self, other: Census) -> Census {
        Census {
            catalog_bytes: self.catalog_bytes.max(other.catalog_bytes),
            data: self.data.max(other.data),
            log: self.log.max(other.log),
            sealed: self.sealed.max(other.sealed),
            segments: self.segments.max(other.segments),
            other: self.other.max(other.other),
        }
    }
}

/// Every file below `folder`; what goes away while it is read is left out.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| folder.display().to_string()),
        };
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(_) => found.push(entry.path()),
                Err(_) => {}
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_counted_as_what_it_is() {
        let data = tempfile::tempdir().unwrap();
        let files = ["catalog.db", "catalog.db-wal", "store/tables/t/_delta_log/0.json", "store/tables/t/_partition=1/a.parquet"];
        for file in files.iter().chain(&["store/sealed/t/1/x", "store/segments/y", "store/rejects/z", "admin.key"]) {
            let path = data.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "12").unwrap();
        }
        let census = Census::take(data.path()).unwrap();
        assert_eq!(census, Census { catalog_bytes: 4, data: 1, log: 1, sealed: 1, segments: 1, other: 1 });
        assert_eq!(census.objects(), 5);
        assert_eq!(census.most(Census { data: 7, ..Census::default() }), Census { data: 7, ..census });
    }
}
