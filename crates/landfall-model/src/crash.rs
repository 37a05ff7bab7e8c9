//! Named points at which a test can kill or stop this process, to prove that
//! what it left half done does no harm. Unarmed, a point costs one atomic load.
//!
//! `LANDFALL_CRASH_POINT=NAME` arms the first pass of the point NAME, `NAME:N`
//! the N-th. `LANDFALL_CRASH_MODE` says what happens there: `abort` (if left
//! out) ends the process without unwinding or flushing, a moment after this thread
//! came to the point, so that what was answered too early has left the house;
//! `stop` halts it as SIGSTOP does, before its next instruction, until somebody
//! sends SIGCONT.
//!
//! A `Standstill` halts one thread instead, for tests that have both who is
//! overtaken and who overtakes in their own process. `fall_at` ends what one
//! thread is doing by unwinding it, for tests that crash and go on.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use signal_hook::consts::SIGSTOP;

/// How long the process lives on when a thread has come to the point where it ends. Without it an answer that was given
/// before its commit would die with the process, and no client could ever complain.
const LAST_WORDS: Duration = Duration::from_millis(50);

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

/// True once it is known that no point is armed in any way: all that a pass then looks at.
static UNARMED: AtomicBool = AtomicBool::new(false);

fn armed() -> Option<&'static Armed> {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let read = || {
        let text = std::env::var("LANDFALL_CRASH_POINT").ok();
        let armed = text.and_then(|text| Armed::parse(&text, std::env::var("LANDFALL_CRASH_MODE").ok().as_deref()));
        UNARMED.store(armed.is_none(), Ordering::Relaxed);
        armed
    };
    ARMED.get_or_init(read).as_ref()
}

/// Passes the point `name`, which reads `room.step.moment`. The environment is read once, at the first pass of any point.
pub fn point(name: &'static str) {
    if !UNARMED.load(Ordering::Relaxed) {
        pass(name);
    }
}

#[cold]
fn pass(name: &'static str) {
    let due = STANDSTILL.with_borrow_mut(|armed| armed.take_if(|standstill| standstill.point == name));
    if let Some(standstill) = due {
        standstill.stand();
    }
    if FALL.get().is_some_and(|left| {
        FALL.set(left.checked_sub(1));
        left == 0
    }) {
        // Without a word of the panic hook: a fall is no bug.
        std::panic::resume_unwind(Box::new(Fell(name)));
    }
    let Some(armed) = armed().filter(|armed| armed.is_due(name)) else { return };
    // `raise` signals this very thread, so that it cannot run on while another one takes the signal.
    // SIGSTOP cannot be refused; a failure to send it would let the test pass for the wrong reason.
    if !armed.stops || signal_hook::low_level::raise(SIGSTOP).is_err() {
        std::thread::sleep(LAST_WORDS);
        std::process::abort();
    }
}

thread_local! {
    /// What this thread is armed with.
    static STANDSTILL: RefCell<Option<Arc<Standstill>>> = const { RefCell::new(None) };
}

thread_local! {
    /// How many points this thread still passes before it falls.
    static FALL: Cell<Option<u64>> = const { Cell::new(None) };
}

/// What a fall unwinds with: the name of the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fell(pub &'static str);

/// The calling thread passes `points` more points of any name and unwinds at the next; `None`: at none. What it was doing ends
/// there, but for what destructors do.
pub fn fall_at(points: Option<u64>) {
    armed();
    FALL.set(points);
    if points.is_some() {
        UNARMED.store(false, Ordering::Relaxed);
    }
}

/// A thread's halt at a point, once. Whatever else runs on the thread halts with it: give the sleeper's runtime a thread
/// to itself, and what beats its heart stands still as it would in a process that is stopped.
pub struct Standstill {
    point: &'static str,
    moment: Mutex<Moment>,
    woken: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Ahead,
    Standing,
    Over,
}

impl Standstill {
    pub fn at(point: &'static str) -> Arc<Standstill> {
        Arc::new(Standstill { point, moment: Mutex::new(Moment::Ahead), woken: Condvar::new() })
    }

    /// From now on the calling thread, and no other, stands still at its next pass of the point.
    pub fn arm(self: &Arc<Self>) {
        // The environment is looked at first: later it would say that nothing is armed.
        armed();
        STANDSTILL.set(Some(Arc::clone(self)));
        UNARMED.store(false, Ordering::Relaxed);
    }

    /// True while the thread stands still.
    pub fn stands(&self) -> bool {
        *self.moment.lock() == Moment::Standing
    }

    /// Lets the thread go on; one that has not come to the point yet will pass it.
    pub fn wake(&self) {
        *self.moment.lock() = Moment::Over;
        self.woken.notify_all();
    }

    fn stand(&self) {
        let mut moment = self.moment.lock();
        if *moment == Moment::Ahead {
            *moment = Moment::Standing;
        }
        while *moment == Moment::Standing {
            self.woken.wait(&mut moment);
        }
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

    #[test]
    fn a_thread_falls_at_the_point_that_was_asked_for() {
        fall_at(Some(1));
        let fell = std::panic::catch_unwind(|| ["model.test.one", "model.test.two", "model.test.three"].map(point));
        assert_eq!(fell.unwrap_err().downcast_ref(), Some(&Fell("model.test.two")));
        point("model.test.three");
    }

    #[test]
    fn a_standstill_halts_its_own_thread_alone_and_once() {
        let standstill = Standstill::at("model.test.halt");
        let passes = Arc::new(AtomicU64::new(0));
        let sleeper = std::thread::spawn({
            let (standstill, passes) = (Arc::clone(&standstill), Arc::clone(&passes));
            move || {
                standstill.arm();
                for name in ["model.test.other", "model.test.halt", "model.test.halt"] {
                    point(name);
                    passes.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !standstill.stands() {
            assert!(std::time::Instant::now() < deadline, "the thread does not stand still");
            std::thread::yield_now();
        }
        // This thread passes the same point.
        point("model.test.halt");
        assert_eq!(passes.load(Ordering::SeqCst), 1);
        standstill.wake();
        sleeper.join().unwrap();
        assert_eq!(passes.load(Ordering::SeqCst), 3);
        assert!(!standstill.stands());
    }
}
