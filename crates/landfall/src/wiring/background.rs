//! Threads for what nobody waits for. Staging, loading and sweeping run beside
//! the doors at a lower priority, so that an ack and an answer do not queue
//! behind them for a core; what the doors leave idle is theirs.

use landfall_model::{Error, Result, limits};
use tokio::runtime::{Builder, Handle, Runtime};

pub struct Background {
    /// Where background work is spawned.
    pub handle: Handle,
    runtime: Option<Runtime>,
}

impl Background {
    pub fn start() -> Result<Background> {
        let runtime = Builder::new_multi_thread().enable_all().thread_name("background").on_thread_start(lower_priority).build();
        let runtime = runtime.map_err(|error| Error::unavailable("starting the background threads", error))?;
        Ok(Background { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Background {
    /// A runtime must not wait for its threads inside of another; whoever needs the work's end awaits it before.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// On Linux this is about the calling thread alone. Where it is refused, the work only competes more.
fn lower_priority() {
    if let Err(error) = rustix::process::setpriority_process(None, limits::BACKGROUND_NICENESS) {
        tracing::debug!(%error, "the priority of a background thread could not be lowered");
    }
}
