//! Threads for what nobody waits for. Staging, loading and sweeping run beside
//! the doors at a lower priority, so that an ack and an answer do not queue
//! behind them for a core; what the doors leave idle is theirs.

use std::time::Duration;

use landfall_model::{Error, Result, limits};
#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id};
use tokio::runtime::{Builder, Handle, Runtime};

pub struct Background {
    /// Where background work is spawned.
    pub handle: Handle,
    /// Where a replay decodes and encodes: one thread that coordinates, and those that it hands blocking work to, which all
    /// give way to every other.
    pub quiet: Handle,
    runtimes: Vec<Runtime>,
}

impl Background {
    pub fn start() -> Result<Background> {
        let background = start(Builder::new_multi_thread().thread_name("background"), || lower_priority(limits::BACKGROUND_NICENESS))?;
        let quiet = start(Builder::new_multi_thread().worker_threads(1).thread_name("replay"), || {
            keep_to_half_of_the_cores();
            run_when_idle();
            lower_priority(limits::REPLAY_NICENESS);
        })?;
        Ok(Background { handle: background.handle().clone(), quiet: quiet.handle().clone(), runtimes: vec![background, quiet] })
    }
}

impl Drop for Background {
    /// A runtime must not wait for its threads inside of another; whoever needs the work's end awaits it before.
    fn drop(&mut self) {
        for runtime in self.runtimes.drain(..) {
            runtime.shutdown_background();
        }
    }
}

/// How long a thread waits for more: each keeps for itself some of the memory that it has freed, until it ends.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

fn start(threads: &mut Builder, begin: fn()) -> Result<Runtime> {
    let runtime = threads.enable_all().thread_keep_alive(KEEP_ALIVE).on_thread_start(begin).build();
    runtime.map_err(|error| Error::unavailable("starting the background threads", error))
}

/// On Linux this is about the calling thread alone. Where it is refused, the work only competes more.
fn lower_priority(niceness: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, niceness) {
        tracing::debug!(%error, "the priority of a background thread could not be lowered");
    }
}

/// The calling thread keeps to half of the cores, so that there are always some that it has not just filled with its own data.
#[cfg(target_os = "linux")]
fn keep_to_half_of_the_cores() {
    let own = sched_getaffinity(None).and_then(|all| {
        let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core)).collect();
        let mut half = CpuSet::new();
        // The last ones: interrupts tend to be on the first.
        cores.iter().rev().take((cores.len() / 2).max(1)).for_each(|core| half.set(*core));
        sched_setaffinity(None, &half)
    });
    if let Err(error) = own {
        tracing::debug!(%error, "a thread of a replay could not be kept to half of the cores");
    }
}

#[cfg(not(target_os = "linux"))]
fn keep_to_half_of_the_cores() {}

/// The calling thread gives its core up at once to whoever wakes. By its priority alone it would run to the end of its slice,
/// milliseconds that an answer waits for, once for each of its own threads.
fn run_when_idle() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
        tracing::debug!(?error, "a thread of a replay could not be told to run when all others are idle");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_replay_gives_way_to_the_loads_and_the_loads_to_the_doors() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let (background, caller) = (Background::start().unwrap(), niceness());
        let there = Builder::new_current_thread().build().unwrap();
        let of = |handle: &Handle| {
            there.block_on(async { (handle.spawn(async move { niceness() }).await, handle.spawn_blocking(niceness).await) })
        };
        let (async_load, load) = of(&background.handle);
        let (async_replay, replay) = of(&background.quiet);
        assert_eq!((async_load.unwrap(), load.unwrap()), (limits::BACKGROUND_NICENESS, limits::BACKGROUND_NICENESS));
        assert_eq!((async_replay.unwrap(), replay.unwrap()), (limits::REPLAY_NICENESS, limits::REPLAY_NICENESS));
        // The last fields of a thread's `stat`: its policy is the 41st, and SCHED_IDLE is 5.
        let policy = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            stat.rsplit(')').next().unwrap().split_whitespace().nth(38).unwrap().to_owned()
        };
        let replay = there.block_on(background.quiet.spawn_blocking(policy)).unwrap();
        let load = there.block_on(background.handle.spawn_blocking(policy)).unwrap();
        assert_eq!((load.as_str(), replay.as_str()), ("0", "5"));
        let cores = || sched_getaffinity(None).unwrap().count();
        let replay = there.block_on(background.quiet.spawn_blocking(cores)).unwrap();
        let load = there.block_on(background.handle.spawn_blocking(cores)).unwrap();
        assert_eq!(replay, (load / 2).max(1), "of {load} cores");
        assert!(caller < limits::BACKGROUND_NICENESS, "the caller's own priority is {caller}");
    }
}
