//! A clock that a server is given instead of the machine's: faster, or on another day. It is libfaketime, loaded before
//! the program, which moves the day and the timers alike; the bench's own clock stays what it is.

use std::path::PathBuf;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use tokio::process::Command;

const PACKAGE: &str = "faketime";

pub struct Clock {
    library: PathBuf,
    setting: String,
}

/// Where Debian's package puts the library, for this machine's architecture.
fn library() -> Option<PathBuf> {
    let places = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    places.map(|place| place.join("faketime/libfaketime.so.1")).find(|path| path.exists())
}

/// The library, fetched if this machine has not got it.
pub async fn fetch() -> Result<PathBuf> {
    if let Some(found) = library() {
        return Ok(found);
    }
    let fetched = Command::new("apt-get").args(["install", "-y", "-q", PACKAGE]).output().await;
    match library() {
        Some(found) => Ok(found),
        None => bail!("libfaketime is not here and apt-get could not install `{PACKAGE}`: {}", why(fetched)),
    }
}

/// The last line of what went wrong.
fn why(fetched: std::io::Result<std::process::Output>) -> String {
    match fetched {
        Ok(done) => String::from_utf8_lossy(&done.stderr).lines().last().unwrap_or("it said nothing").to_owned(),
        Err(error) => error.to_string(),
    }
}

impl Clock {
    /// Begins now and runs `speed` times as fast.
    pub async fn faster(speed: f64) -> Result<Clock> {
        Ok(Clock { library: fetch().await?, setting: format!("+0 x{speed}") })
    }

    /// Begins at `start` when the program does, and runs `speed` times as fast.
    pub async fn at(start: DateTime<Utc>, speed: f64) -> Result<Clock> {
        Ok(Clock { library: fetch().await?, setting: format!("@{} x{speed}", start.format("%Y-%m-%d %H:%M:%S")) })
    }

    pub fn apply(&self, command: &mut Command) {
        // The setting has no zone of its own: it is read in the program's.
        command.env("LD_PRELOAD", &self.library).env("FAKETIME", &self.setting).env("TZ", "UTC");
    }
}
