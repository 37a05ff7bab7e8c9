//! One embedded server per data folder. The lock is the kernel's: it ends with
//! the process, however that ends, so nobody ever has to remove a stale file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use landfall_model::{Error, ErrorKind, Result};

use crate::errors::from_io;
use crate::folder::make_durably;

/// Held for as long as a server uses a data folder.
#[derive(Debug)]
pub struct FolderLock(File);

impl FolderLock {
    /// Locks `{data_dir}/lock`, making the folder durably where it is missing. `Conflict` where another process holds it, with
    /// what that process wrote of itself.
    pub fn acquire(data_dir: &Path) -> Result<FolderLock> {
        let what = format!("lock the data folder `{}`", data_dir.display());
        let made = std::path::absolute(data_dir).and_then(|data_dir| make_durably(&data_dir));
        made.map_err(|error| from_io(&what, &error))?;
        let path = data_dir.join("lock");
        let mut options = OpenOptions::new();
        // Not truncated on opening: until the lock is ours, its text is another's.
        let mut file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(|error| from_io(&what, &error))?;
        match file.try_lock() {
            Ok(()) => {
                let lock = FolderLock(file);
                lock.note("")?;
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The text only helps; that it cannot be read does not change the answer.
                let _ = (&mut file).take(1024).read_to_string(&mut holder);
                let holder = holder.split_whitespace().collect::<Vec<_>>().join(" ");
                let holder = if holder.is_empty() { String::new() } else { format!(" ({holder})") };
                let message = format!(
                    "another server{holder} uses the data folder `{}`; stop it, or give this one a folder of its own with --data",
                    data_dir.display()
                );
                Err(Error::new(ErrorKind::Conflict, message))
            }
            Err(TryLockError::Error(error)) => Err(from_io(&what, &error)),
        }
    }

    /// Says in the file, for whoever is refused, who holds the lock: the process id, and `address` once it is known.
    pub fn note(&self, address: &str) -> Result<()> {
        let at = if address.is_empty() { String::new() } else { format!(" at {address}") };
        let text = format!("process {}{at}\n", std::process::id());
        let write = || {
            self.0.set_len(0)?;
            std::io::Seek::rewind(&mut &self.0)?;
            (&self.0).write_all(text.as_bytes())
        };
        write().map_err(|error| from_io("write the lock file of the data folder", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_on_a_folder_is_told_who_has_it() {
        let data = tempfile::tempdir().unwrap();
        let first = FolderLock::acquire(data.path()).unwrap();
        first.note("http://127.0.0.1:8080").unwrap();
        let refused = FolderLock::acquire(data.path()).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        let holder = format!("(process {} at http://127.0.0.1:8080)", std::process::id());
        assert!(refused.message.contains(&holder), "{refused}");
        drop(first);
        FolderLock::acquire(data.path()).unwrap();
    }
}
