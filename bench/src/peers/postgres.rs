//! PostgreSQL, every commit synced before its answer: a fresh cluster, on a free port, owned by the user it wants.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rustix::process::Signal;
use tokio::process::Command;

use super::postgres_client::Session;
use crate::fsync::SlowDisk;
use crate::process::{Server, folder, free_port, output};

// Room for its log and its pages beyond the defaults, which are those of a small machine: in its favour.
const SETTINGS: [&str; 5] = ["synchronous_commit=on", "fsync=on", "shared_buffers=1GB", "max_wal_size=16GB", "listen_addresses=127.0.0.1"];

pub struct Postgres;

pub async fn version() -> Result<String> {
    let text = output(Command::new(program("postgres")?).arg("--version")).await?;
    let number = text.split_whitespace().nth(2).unwrap_or_default();
    Ok(format!("{number}, {}", SETTINGS.map(|setting| format!("`{setting}`")).join(", ")))
}

/// A program of the server: on the PATH, or where Debian keeps the newest version.
fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin")).collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()).with_context(|| format!("{name} is not installed"))
}

/// The user `postgres` and its group, where this runs as root, which the server refuses to run as.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let fields: Vec<&str> =
        users.lines().find_map(|line| line.strip_prefix("postgres:")).context("no user `postgres`")?.split(':').collect();
    Ok(Some((fields[1].parse()?, fields[2].parse()?)))
}

fn command(name: &str, owner: Option<(u32, u32)>) -> Result<Command> {
    let mut command = Command::new(program(name)?);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    Ok(command)
}

impl Postgres {
    /// A fresh cluster: user `postgres`, database `postgres`, no password from this machine.
    pub async fn start(slow: Option<&SlowDisk>) -> Result<(Server, u16)> {
        let (folder, port, owner) = (folder("postgres")?, free_port()?, unprivileged()?);
        let data = folder.path().join("cluster");
        std::fs::create_dir(&data)?;
        if let Some((user, group)) = owner {
            chown(&data, Some(user), Some(group))?;
        }
        let mut initdb = command("initdb", owner)?;
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "-D"]).arg(&data).current_dir("/");
        output(&mut initdb).await?;
        let mut serve = command("postgres", owner)?;
        serve.current_dir("/").arg("-D").arg(&data).args(["-p", &port.to_string(), "-k", ""]);
        serve.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]).map(OsStr::new));
        if let Some(slow) = slow {
            slow.apply(&mut serve);
        }
        let mut server = Server::start("postgres", folder, serve, Signal::INT)?;
        server.wait_until(|| async { Session::connect(port).await.map(drop) }).await?;
        Ok((server, port))
    }

    pub async fn start_for_events(slow: Option<&SlowDisk>) -> Result<(Server, u16)> {
        let (server, port) = Postgres::start(slow).await?;
        Session::connect(port).await?.query("create table events (id bigserial primary key, body text not null)").await?;
        Ok((server, port))
    }
}

pub async fn count(port: u16) -> Result<u64> {
    let row = Session::connect(port).await?.query("select count(*) from events").await?;
    Ok(row.first().context("no row")?.parse()?)
}
