//! Wake-ups: "something about this topic changed, look". They carry no facts,
//! may come too often, and a poll covers the ones that get lost.

use tokio::sync::watch;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A job is ready.
    Work,
    /// A manifest waits for a load, or a sink became free.
    Staged,
    /// A load is done.
    Loaded,
    /// Datasets, columns or keys are not what they were.
    Definitions,
    /// A schedule has something to run.
    Runs,
}

impl Topic {
    pub const ALL: [Topic; 5] = [Topic::Work, Topic::Staged, Topic::Loaded, Topic::Definitions, Topic::Runs];

    /// Its name between nodes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Topic::Work => "work",
            Topic::Staged => "staged",
            Topic::Loaded => "loaded",
            Topic::Definitions => "definitions",
            Topic::Runs => "runs",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Topic> {
        Topic::ALL.into_iter().find(|topic| topic.name() == name)
    }
}

/// Who listens inside this process: a counter per topic that grows with every wake-up.
pub(crate) struct Listeners([watch::Sender<u64>; Topic::ALL.len()]);

impl Listeners {
    pub(crate) fn new() -> Listeners {
        Listeners(Topic::ALL.map(|_| watch::Sender::new(0)))
    }

    pub(crate) fn wake(&self, topic: Topic) {
        self.0[topic as usize].send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn subscribe(&self, topic: Topic) -> watch::Receiver<u64> {
        self.0[topic as usize].subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_reaches_its_topic_and_no_other() {
        let listeners = Listeners::new();
        let mut heard = Topic::ALL.map(|topic| listeners.subscribe(topic));
        listeners.wake(Topic::Staged);
        let woken = Topic::ALL.into_iter().filter(|topic| heard[*topic as usize].has_changed().unwrap()).collect::<Vec<_>>();
        assert_eq!(woken, [Topic::Staged]);
        heard[Topic::Staged as usize].mark_unchanged();
    }

    #[test]
    fn names_read_back() {
        for topic in Topic::ALL {
            assert_eq!(Topic::from_name(topic.name()), Some(topic));
        }
    }
}
