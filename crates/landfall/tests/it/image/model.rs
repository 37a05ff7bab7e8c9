//! The plain model: what landed and is live, and so what the tables must hold.

use std::collections::{BTreeMap, BTreeSet};

use landfall_model::{DatasetName, LandingId, ReplayId, Span, Timestamp, partition};

/// One landing that is live as long as its retention lasts.
#[derive(Clone, Debug)]
pub struct Live {
    pub landing: LandingId,
    pub received_at: Timestamp,
    /// What tells its rows from all others: the version of a file; the first and the last id of a batch.
    pub first: usize,
    pub last: usize,
    /// Which transforms its rows may have come through.
    pub made: BTreeSet<usize>,
    /// Its time was over when nothing held it; it may still be there because of a neighbour that is held.
    pub over: bool,
}

/// A side table.
#[derive(Debug)]
pub struct Side {
    pub source: DatasetName,
    /// The replay that is not known to be at its end.
    pub replay: Option<ReplayId>,
    pub from: Timestamp,
    pub to: Timestamp,
    /// The transform of the day when the replay began.
    pub made: usize,
    /// What was live in the window when the load was numbered.
    pub rows: Option<Kept>,
    /// Events outside of the window, which may have been staged together with some in it.
    pub beside: Vec<Live>,
}

impl Side {
    /// True where no load was ever numbered, and no replay runs into it.
    pub fn is_empty(&self) -> bool {
        self.replay.is_none() && self.rows.is_none()
    }

    pub fn number(&mut self, source: &Kept) {
        let within = |live: &&Live| (self.from..self.to).contains(&live.received_at);
        let files = source.files.iter().filter(|(_, live)| within(live)).map(|(key, live)| (key.clone(), live.clone())).collect();
        let batches = source.batches.iter().filter(within).cloned().collect();
        self.beside = source.batches.iter().filter(|live| !within(live)).cloned().collect();
        self.rows = Some(Kept { retention: source.retention, files, batches, made: source.made, ..Kept::default() });
    }

    /// A definition that changes while a replay runs has it begin anew.
    pub fn may_be_made(&self, made: usize) -> bool {
        self.rows.as_ref().is_some_and(|rows| (self.made..=rows.made).contains(&made))
    }

    /// What is held in the dataset is held here.
    pub fn expire(&mut self, source: &Kept, now: Timestamp) {
        let Some(rows) = &mut self.rows else { return };
        (rows.held, rows.held_whole) = (source.held.clone(), source.held_whole);
        rows.expire(now);
        let mut beside = Kept { batches: std::mem::take(&mut self.beside), ..Kept::new(None) };
        (beside.retention, beside.held, beside.held_whole) = (source.retention, source.held.clone(), source.held_whole);
        // Any of them may be in the range of one that is held, wherever that is.
        if source.held.is_empty() {
            beside.expire(now);
        }
        self.beside = beside.batches;
    }
}

/// One dataset.
#[derive(Debug, Default)]
pub struct Kept {
    pub retention: Option<Span>,
    pub batches: Vec<Live>,
    /// By key.
    pub files: BTreeMap<String, Live>,
    /// By key, the version and the rows of what was replaced last.
    pub earlier: BTreeMap<String, (usize, usize)>,
    /// Held landings, each with the one that stands for it and is held in its place.
    pub held: BTreeMap<LandingId, LandingId>,
    pub held_whole: bool,
    /// The transform of today.
    pub made: usize,
    pub replay: Option<Replaying>,
}

/// A replay that was not done when it was last looked at.
#[derive(Debug)]
pub struct Replaying {
    pub id: ReplayId,
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Kept {
    pub fn new(retention: Option<&str>) -> Kept {
        Kept { retention: retention.map(|span| span.parse().unwrap()), made: 1, ..Kept::default() }
    }

    /// The replay is in the table: of its window, and perhaps of events beside it, which were staged together with some in it.
    pub fn replayed(&mut self) {
        let Some(Replaying { from, to, .. }) = self.replay.take() else { return };
        for live in self.files.values_mut().chain(&mut self.batches) {
            if (from..to).contains(&live.received_at) {
                live.made = BTreeSet::from([self.made]);
            }
        }
        for live in &mut self.batches {
            live.made.insert(self.made);
        }
    }

    /// Lets time go by: what is over and not held is live no more.
    pub fn expire(&mut self, now: Timestamp) {
        let Some(retention) = self.retention.filter(|_| !self.held_whole) else { return };
        let cutoff = partition::cutoff(retention, now);
        let held = self.held.clone();
        let stays = |live: &Live| live.received_at >= cutoff || held.contains_key(&live.landing);
        self.files.retain(|_, live| stays(live));
        for batch in &mut self.batches {
            batch.over |= !stays(batch);
        }
        // While a batch is held, so is the range that it was staged with: which events those are is chance.
        if !self.batches.iter().any(|batch| held.contains_key(&batch.landing)) {
            self.batches.retain(|batch| !batch.over);
        }
    }

    /// The ids of events that must be in the table, and of those that may.
    pub fn events(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let ids = |live: &Live| live.first..=live.last;
        (self.batches.iter().filter(|batch| !batch.over).flat_map(ids).collect(), self.batches.iter().flat_map(ids).collect())
    }
}
