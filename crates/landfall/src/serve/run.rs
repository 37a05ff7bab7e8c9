//! `landfall serve`: starts, says where it listens, reloads on SIGHUP, and on
//! SIGTERM or Ctrl-C drains: it stops accepting, finishes or hands back what is
//! under way, and exits 0. A second signal ends it at once.

use std::io::Write;

use landfall_model::{Error, ErrorKind, Result, limits};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{lines, start, tuning};
use crate::app::{GivenKeys, Running};
use crate::config::Config;
use crate::roles::Roles;

/// Serves until a signal ends it. `reload` reads the configuration anew.
pub async fn serve(config: Config, roles: Roles, keys: GivenKeys, reload: impl Fn() -> Result<Config>) -> Result<()> {
    tuning::raise_descriptor_limit();
    let mut signals = Signals::new()?;
    let running = start(&config, roles, keys).await?;
    say(&lines::start_up(&config, &running));
    while let Told::Reload = signals.next().await {
        reread(&running, &reload).await;
    }
    say("stopping: finishing what is under way\n");
    let drained = tokio::select! {
        done = tokio::time::timeout(limits::DRAIN_MAX, running.stop()) => done.is_ok(),
        _ = signals.next_stop() => false,
    };
    if !drained {
        tracing::warn!("stopped before everything was finished; nothing that was acknowledged is lost, and leases expire by themselves");
    }
    Ok(())
}

fn say(text: &str) {
    // Nobody may be reading any more; serving goes on without.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A configuration with mistakes changes nothing.
async fn reread(running: &Running, reload: &impl Fn() -> Result<Config>) {
    let outcome = match reload() {
        Ok(config) => running.reload(config.datasets, config.schedules).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => tracing::info!("the datasets and schedules were reloaded; other settings are read at start"),
        Err(error) => tracing::error!(%error, "the configuration was not reloaded; what was in force stays so"),
    }
}

enum Told {
    Reload,
    Stop,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Signals> {
        let on = |kind| signal(kind).map_err(|error| Error::new(ErrorKind::Internal, format!("listening for signals: {error}")));
        Ok(Signals { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())?, hangup: on(SignalKind::hangup())? })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }

    async fn next_stop(&mut self) -> Told {
        while let Told::Reload = self.next().await {}
        Told::Stop
    }
}
