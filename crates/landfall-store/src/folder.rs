//! The one way in which bytes become a durable file: written under a temporary
//! name, synced, given their name in one step, and the folder synced. A file
//! under its own name is therefore whole, and what was acknowledged is on disk.
//! All of it blocks.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use landfall_model::{crash, limits};
use parking_lot::{Mutex, RwLock};
use rustix::fs::{Advice, fadvise};

/// Holds what is being written; it is in the root, and so on the same file system as every object.
pub(crate) const TEMP: &str = ".tmp";

/// How often a folder that another thread removes is made again under one write.
const FOLDER_ATTEMPTS_MAX: usize = 16;

/// What to do where the name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Overwrite,
    Create,
}

/// The root of a local store.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// Folders that are known to survive a power failure.
    durable: RwLock<HashSet<PathBuf>>,
    /// Held while a folder is made or removed.
    making: Mutex<()>,
}

impl Folder {
    /// Opens the store in `root`, makes it where it is missing, and sweeps what unfinished writes left.
    pub fn open(root: &Path) -> io::Result<Folder> {
        let root = std::path::absolute(root)?;
        make_durably(&root)?;
        let root = root.canonicalize()?;
        let folder = Folder { root, durable: RwLock::default(), making: Mutex::new(()) };
        make_durably(&folder.root.join(TEMP))?;
        folder.sweep()?;
        Ok(folder)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of the object `key`.
    pub fn path(&self, key: &str) -> io::Result<PathBuf> {
        let reserved = key.split('/').next() == Some(TEMP);
        if key.is_empty() || reserved || key.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(io::Error::new(ErrorKind::InvalidInput, format!("`{key}` cannot be the key of an object")));
        }
        Ok(self.root.join(key))
    }

    /// Removes the temporary files that no living writer holds.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join(TEMP))? {
            let path = entry?.path();
            if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                remove_if_there(&path)?;
            }
        }
        Ok(())
    }

    fn temp_path(&self) -> PathBuf {
        // Counted for the whole process, so that two handles on one folder never meet.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.root.join(TEMP).join(format!("{}-{number}", std::process::id()))
    }

    /// Begins a file that has no name yet.
    pub fn begin(self: &Arc<Folder>) -> io::Result<TempFile> {
        loop {
            let path = self.temp_path();
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    // So that a sweep, by another handle on this folder, sees that it is in use.
                    file.try_lock()?;
                    return Ok(TempFile { folder: self.clone(), file, path, named: false });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes a whole object. False: the name is taken, and `mode` is `Create`.
    pub fn put<'a>(self: &Arc<Folder>, to: &Path, pieces: impl Iterator<Item = &'a [u8]>, mode: Mode) -> io::Result<bool> {
        let mut temp = self.begin()?;
        for piece in pieces {
            temp.write_all(piece)?;
        }
        temp.publish(to, mode)
    }

    /// Gives the file at `from`, which is synced already, the name `to` as well. False: the name is taken.
    pub fn link(&self, from: &Path, to: &Path, mode: Mode) -> io::Result<bool> {
        self.name(to, || match mode {
            Mode::Create => fs::hard_link(from, to),
            Mode::Overwrite => {
                let temp = self.temp_path();
                fs::hard_link(from, &temp)?;
                let renamed = fs::rename(&temp, to);
                // It stays where the rename failed, and where `to` was a name of this same file already.
                remove_if_there(&temp)?;
                renamed
            }
        })
    }

    /// Takes the name from a file. False: there was none. The name does not come back after a power failure.
    pub fn remove(&self, path: &Path) -> io::Result<bool> {
        if !remove_if_there(path)? {
            return Ok(false);
        }
        let parent = parent(path)?;
        match sync_folder(parent) {
            // Another thread has removed the folder as well.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other?,
        }
        self.prune(parent);
        Ok(true)
    }

    /// Names a synced file by `give`, and returns once the name is durable. False: the name is taken.
    fn name(&self, to: &Path, give: impl Fn() -> io::Result<()>) -> io::Result<bool> {
        let folder = parent(to)?;
        for attempt in 1.. {
            self.ensure(folder)?;
            match give() {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
                // The last object of the folder was removed, and the folder with it, since we looked.
                Err(error) if error.kind() == ErrorKind::NotFound && attempt < FOLDER_ATTEMPTS_MAX => {
                    self.forget(folder);
                }
                Err(error) => return Err(error),
            }
        }
        crash::point("store.publish.named");
        sync_folder(folder)?;
        // If the folder was removed and made again under us, its own name may not be synced yet.
        self.ensure(folder)?;
        Ok(true)
    }

    /// Makes `folder` and what is missing above it, and returns once all of them would survive a power failure.
    fn ensure(&self, folder: &Path) -> io::Result<()> {
        if self.durable.read().contains(folder) {
            return Ok(());
        }
        let _alone = self.making.lock();
        let mut at = self.root.clone();
        for part in folder.strip_prefix(&self.root).map_err(io::Error::other)?.components() {
            let above = at.clone();
            at.push(part);
            if self.durable.read().contains(&at) {
                continue;
            }
            match fs::create_dir(&at) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => sync_folder(&above)?,
            }
            let mut durable = self.durable.write();
            if durable.len() >= limits::DURABLE_FOLDERS_MAX {
                durable.clear();
            }
            durable.insert(at.clone());
        }
        Ok(())
    }

    /// Has `folder` and those above it looked at again.
    fn forget(&self, folder: &Path) {
        let mut durable = self.durable.write();
        for folder in folder.ancestors().take_while(|folder| *folder != self.root) {
            durable.remove(folder);
        }
    }

    /// Removes `folder` and those above it for as long as they are empty, so that days long gone leave nothing.
    fn prune(&self, mut folder: &Path) {
        let _alone = self.making.lock();
        while folder != self.root && fs::remove_dir(folder).is_ok() {
            self.durable.write().remove(folder);
            let Some(above) = folder.parent() else { break };
            folder = above;
        }
    }
}

/// A file that has no name yet. Dropped, it is gone.
#[derive(Debug)]
pub(crate) struct TempFile {
    folder: Arc<Folder>,
    file: File,
    path: PathBuf,
    named: bool,
}

impl TempFile {
    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    /// Has the kernel begin to write these bytes to the disk, without waiting, so that the sync at the end finds little
    /// left to do. Linux does that for dirty pages on this advice, and keeps them in memory.
    pub fn start_write_back(&self, offset: u64, size: u64) -> io::Result<()> {
        Ok(fadvise(&self.file, offset, NonZeroU64::new(size), Advice::DontNeed)?)
    }

    /// Its temporary name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Syncs the file and names it; once this returns, both are durable. False: the name is taken. The file is given up
    /// whatever happens: after a failed sync the kernel may have dropped the pages, so it is never tried again.
    pub fn publish(mut self, to: &Path, mode: Mode) -> io::Result<bool> {
        self.file.sync_data()?;
        crash::point("store.publish.synced");
        let given = self.folder.name(to, || match mode {
            Mode::Create => fs::hard_link(&self.path, to),
            Mode::Overwrite => fs::rename(&self.path, to),
        })?;
        // After a rename the temporary name is free, and may be somebody else's by now.
        self.named = given && mode == Mode::Overwrite;
        Ok(given)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.named {
            // What cannot be removed now is swept when the store is opened next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a path without a folder"))
}

fn remove_if_there(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes the folder and those above it that are missing, each synced into the one above.
pub(crate) fn make_durably(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder)?;
    make_durably(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(above),
    }
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
