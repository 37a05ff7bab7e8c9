//! Where an interrupted upload is remembered, so that the same `put` goes on
//! where it stopped: one small file per upload in the user's cache folder.

use std::fs::{self, Metadata};
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

/// The remembered place of one upload. Without a home folder nothing is remembered.
pub struct Resume(Option<PathBuf>);

impl Resume {
    /// The same server, dataset, key and untouched file are the same upload. `folder`: where uploads are remembered.
    pub fn new(folder: Option<PathBuf>, server: &str, dataset: &str, key: &str, file: &Metadata) -> Resume {
        let modified = file.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let identity = format!("{server}\n{dataset}\n{key}\n{}\n{}", file.len(), modified.as_nanos());
        let name = hex::encode(&Sha256::digest(identity)[..16]);
        Resume(folder.map(|folder| folder.join(name)))
    }

    /// Where the server keeps the upload.
    pub fn location(&self) -> Option<String> {
        fs::read_to_string(self.0.as_ref()?).ok().filter(|location| !location.is_empty())
    }

    /// A place that cannot be remembered costs a repetition at most.
    pub fn remember(&self, location: &str) {
        let Some(path) = &self.0 else { return };
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(path, location);
    }

    pub fn forget(&self) {
        let _ = self.0.as_ref().map(fs::remove_file);
    }
}

/// The user's own folder for this.
pub fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("landfall").join("uploads"))
}
