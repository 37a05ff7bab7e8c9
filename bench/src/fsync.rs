//! A slower disk: a small C library, compiled when it is wanted, that adds milliseconds to every sync of a process.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::process::Command;

/// Milliseconds added to every fsync, and the library that adds them.
pub struct SlowDisk {
    pub milliseconds: u32,
    library: PathBuf,
    _folder: TempDir,
}

impl SlowDisk {
    pub async fn compile(milliseconds: u32) -> Result<SlowDisk> {
        let folder = crate::process::folder("fsync")?;
        let library = folder.path().join("fsync_delay.so");
        let mut gcc = Command::new("gcc");
        gcc.args(["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"]).arg(&library).arg("bench/src/fsync_delay.c").arg("-ldl");
        let done = gcc.output().await.context("gcc")?;
        if !done.status.success() {
            bail!("gcc: {}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(SlowDisk { milliseconds, library, _folder: folder })
    }

    pub fn apply(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("LANDFALL_BENCH_FSYNC_MS", self.milliseconds.to_string());
    }
}
