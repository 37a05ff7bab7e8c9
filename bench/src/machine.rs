//! The machine a run was made on: cores and memory only, the day, and memory warmed before anything is timed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

const GIB: u64 = 1 << 30;
const PAGE: usize = 4096;

/// `2 cores, 24 GiB`.
pub fn describe() -> Result<String> {
    let cores = std::thread::available_parallelism().context("counting cores")?;
    Ok(format!("{cores} cores, {} GiB, shared by server and client", meminfo("MemTotal")?.div_ceil(GIB)))
}

/// Today in UTC, `2026-11-21`.
#[allow(clippy::disallowed_methods, reason = "a report says the day it was made; nothing depends on it")]
pub fn today() -> String {
    chrono::Utc::now().format("%Y-%m-%d").to_string()
}

/// Touches memory once and gives it back: on a virtual machine the first touch of a page costs several times what the
/// next one does, and the peer that comes first would pay it for all. Takes half of what is free, at most `gib`.
pub fn warm_memory(gib: u64) -> Result<()> {
    let bytes = (meminfo("MemAvailable")? / 2).min(gib * GIB);
    let mut memory = vec![0u8; usize::try_from(bytes)?];
    for page in memory.chunks_mut(PAGE) {
        page[0] = 1;
    }
    std::hint::black_box(&memory);
    Ok(())
}

/// Reads a file once, so that every peer finds it in the page cache.
pub fn warm_file(path: &Path) -> Result<u64> {
    let mut file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    Ok(std::io::copy(&mut file, &mut std::io::sink())?)
}

/// Everything written so far, by anyone, is on the disk, and the disk rests: nobody pays for the one before.
pub async fn settle() {
    rustix::fs::sync();
    tokio::time::sleep(Duration::from_millis(300)).await;
}

/// A folder of memory makes every fsync free, and every number here worthless.
pub fn refuse_memory_disk(folder: &Path) -> Result<()> {
    const TMPFS_MAGIC: i64 = 0x0102_1994;
    let kind = rustix::fs::statfs(folder).with_context(|| folder.display().to_string())?.f_type;
    if kind == TMPFS_MAGIC {
        bail!("{} is in memory, where nothing is durable: set TMPDIR to a folder on a disk", folder.display());
    }
    Ok(())
}

/// One line of /proc/meminfo, in bytes.
fn meminfo(name: &str) -> Result<u64> {
    kib_line(&std::fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?, name)
}

/// The value of `Name:   123 kB`, in bytes.
pub fn kib_line(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let line = line.with_context(|| format!("no {name}"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().with_context(|| format!("{name}: {line}"))?;
    Ok(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_by_its_whole_name() {
        let text = "VmHWMark:\t 1 kB\nVmHWM:\t  2048 kB\n";
        assert_eq!(kib_line(text, "VmHWM").unwrap(), 2 << 20);
        assert!(kib_line(text, "VmPeak").is_err());
    }
}
