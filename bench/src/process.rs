//! Servers that a bench starts: each on a free port, in a folder of its own on a real disk, and always stopped; the
//! folder goes with it.

use std::fs::File;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(60);

pub struct Server {
    name: String,
    child: Child,
    folder: TempDir,
    stop: Signal,
}

/// A new folder that other users may enter: PostgreSQL runs as its own.
pub fn folder(name: &str) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix(&format!("landfall-bench-{name}-")).tempdir().context("a temporary folder")?;
    crate::machine::refuse_memory_disk(folder.path())?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

impl Server {
    /// Starts `command`; what it prints goes to a file, and its end is shown if it fails. `stop` asks it to end.
    pub fn start(name: &str, folder: TempDir, mut command: Command, stop: Signal) -> Result<Server> {
        let log = File::create(folder.path().join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("starting {name}: {:?}", command.as_std().get_program()))?;
        Ok(Server { name: name.to_owned(), child, folder, stop })
    }

    /// Asks `ready` until it says so; an end of the server, or a minute, is an error with the end of its log.
    pub async fn wait_until<F: Future<Output = Result<()>>>(&mut self, ready: impl Fn() -> F) -> Result<()> {
        let started = Instant::now();
        loop {
            let answer = ready().await;
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended at once ({status}):\n{}", self.name, self.log_end());
            }
            match answer {
                Ok(()) => return Ok(()),
                Err(why) if started.elapsed() > START_MAX => bail!("{} is not ready: {why:#}\n{}", self.name, self.log_end()),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// The most memory it ever held, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        let id = self.child.id().with_context(|| format!("{} has ended:\n{}", self.name, self.log_end()))?;
        crate::machine::kib_line(&std::fs::read_to_string(format!("/proc/{id}/status"))?, "VmHWM")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { bail!("{} ended by itself:\n{}", self.name, self.log_end()) };
        Ok(kill_process(pid, signal)?)
    }

    /// Asks it to end and waits; one that does not is killed, and that is an error. Its folder is the caller's then.
    pub async fn stop(mut self) -> Result<TempDir> {
        self.signal(self.stop)?;
        let Ok(ended) = tokio::time::timeout(STOP_MAX, self.child.wait()).await else {
            self.child.kill().await?;
            bail!("{} did not stop within {STOP_MAX:?}:\n{}", self.name, self.log_end());
        };
        ended?;
        Ok(self.folder)
    }

    pub fn log_end(&self) -> String {
        let text = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&text[text.len().saturating_sub(2000)..]).into_owned()
    }
}

/// What a command prints, without the line's end; an error if it fails.
pub async fn output(command: &mut Command) -> Result<String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await.with_context(|| name.clone())?;
    if !done.status.success() {
        bail!("{name} failed:\n{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim_end().to_owned())
}
