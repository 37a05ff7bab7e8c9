//! `landfall demo`: a server of its own in a temporary folder, sample data in,
//! answers out. It speaks to the server as the commands do, with their code,
//! and leaves nothing behind.

mod random;
mod samples;
mod story;

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::app::{GivenKeys, Running};
use crate::commands::{Client, Failure};
use crate::config::{Config, Inputs};
use crate::output::Screen;
use crate::roles::Roles;
use crate::serve;

const CONFIG: &str = include_str!("landfall.toml");

/// How long the server may take to end.
const STOP_MAX: Duration = Duration::from_secs(20);

pub fn run(screen: Screen, exit: bool) -> Result<(), Failure> {
    let runtime = serve::runtime()?;
    let folder = tempfile::Builder::new().prefix("landfall-demo-").tempdir()?;
    let outcome = runtime.block_on(show(folder.path(), screen, exit));
    runtime.shutdown_timeout(STOP_MAX);
    // Closing it here rather than by dropping it says so where something would stay behind.
    folder.close()?;
    outcome
}

async fn show(folder: &Path, screen: Screen, exit: bool) -> Result<(), Failure> {
    let mut signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    screen.line(&screen.bold("Landfall demo: a server of its own, sample data in, answers out"))?;
    screen.line("")?;
    let running = start(folder).await?;
    let outcome = match running.http {
        None => Err(Failure::no("the demo's server opened no door")),
        Some(address) => {
            let (url, token) = (format!("http://{address}"), running.admin.secret.reveal().to_owned());
            let client = Client::new(&url, Some(token.clone()))?;
            tokio::select! {
                outcome = story::tell(&client, &token, screen, exit) => outcome,
                _ = signals.0.recv() => Ok(()),
                _ = signals.1.recv() => Ok(()),
            }
        }
    };
    stop(running).await;
    outcome
}

async fn start(folder: &Path) -> Result<Running, Failure> {
    let path = folder.join("landfall.toml");
    std::fs::write(&path, CONFIG)?;
    let data = folder.join("data").display().to_string();
    // The environment is left out: the demo is the same wherever it runs.
    let config = Config::load(Inputs { path: Some(&path), data: Some(&data), env: &[] });
    let config = config.map_err(|mistakes| Failure::no(mistakes.render(false)))?;
    Ok(serve::start(&config, Roles::default(), GivenKeys::default()).await?)
}

async fn stop(running: Running) {
    if tokio::time::timeout(STOP_MAX, running.stop()).await.is_err() {
        let _ = io::Write::write_all(&mut io::stderr(), b"the server did not end in time and is cut off\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_tells_its_story_to_the_end() {
        let screen = Screen { terminal: false, color: false, width: None };
        run(screen, true).unwrap();
    }
}
