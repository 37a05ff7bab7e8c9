//! Named points at which a test can kill or stop this process, to prove that
//! what it left half done does no harm. Unarmed, a point costs one atomic load.
//!
//! `LANDFALL_CRASH_POINT=NAME` arms the first pass of the point NAME, `NAME:N`
//! the N-th. `LANDFALL_CRASH_MODE` says what happens there: `abort` (if left
//! out) ends the process at once, without unwinding or flushing; `stop` halts it as
//! SIGSTOP does, before its next instruction, until somebody sends SIGCONT.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use signal_hook::consts::SIGSTOP;

/// A point that is armed.
struct Armed {
    name: String,
    /// Passes until it acts; counts down.
    left: AtomicU64,
    stops: bool,
}

impl Armed {
    /// `text` is `NAME` or `NAME:N`. An N that is no number from 1 on arms nothing.
    fn parse(text: &str, mode: Option<&str>) -> Option<Armed> {
        let (name, passes) = match text.rsplit_once(':') {
            None => (text, 1),
            Some((name, passes)) => (name, passes.parse().ok().filter(|passes| *passes > 0)?),
        };
        Some(Armed { name: name.to_owned(), left: AtomicU64::new(passes), stops: mode == Some("stop") })
    }

    /// True in the one pass that was asked for.
    fn is_due(&self, name: &str) -> bool {
        // Below zero it wraps to numbers that no test lives to count down.
        name == self.name && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

fn armed() -> Option<&'static Armed> {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let read = || {
        let text = std::env::var("LANDFALL_CRASH_POINT").ok()?;
        Armed::parse(&text, std::env::var("LANDFALL_CRASH_MODE").ok().as_deref())
    };
    ARMED.get_or_init(read).as_ref()
}

/// Passes the point `name`, which reads `room.step.moment`. The environment is read once, at the first pass of any point.
pub fn point(name: &'static str) {
    let Some(armed) = armed() else { return };
    if !armed.is_due(name) {
        return;
    }
    if armed.stops {
        // `raise` signals this very thread, so that it cannot run on while another one takes the signal.
        // SIGSTOP cannot be refused; a failure to send it would let the test pass for the wrong reason.
        if signal_hook::low_level::raise(SIGSTOP).is_err() {
            std::process::abort();
        }
    } else {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_acts_in_the_pass_that_was_asked_for_and_never_again() {
        let armed = Armed::parse("load.commit.after:2", Some("stop")).unwrap();
        let passes = ["load.commit.after", "load.mark.after", "load.commit.after", "load.commit.after"];
        assert_eq!(passes.map(|name| armed.is_due(name)), [false, false, true, false]);
        assert!(armed.stops && !Armed::parse("load.commit.after", None).unwrap().stops);
        assert!(Armed::parse("a:0", None).is_none() && Armed::parse("a:many", None).is_none());
    }

    /// Runs this same test in a child with the point armed: only there does the first line have an effect.
    #[test]
    fn an_armed_process_ends_at_its_point() {
        point("model.test.here");
        let this = std::env::current_exe().unwrap();
        let child = |point: &str| {
            let mut child = std::process::Command::new(&this);
            child.args(["--exact", "crash::tests::an_armed_process_ends_at_its_point"]).env("LANDFALL_CRASH_POINT", point);
            child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status().unwrap()
        };
        if std::env::var_os("LANDFALL_CRASH_POINT").is_none() {
            assert!(child("model.test.elsewhere").success());
            assert!(!child("model.test.here").success());
        }
    }
}
