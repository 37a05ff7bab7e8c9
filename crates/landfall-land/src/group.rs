//! Group commit: one transaction takes everything that arrived while the last
//! one was under way. Events of one dataset, source and principal that commit
//! together share one landing, so the catalog gains rows per commit and not per
//! request.
//!
//! The ids of a group's landings are its own: when the answer of a commit is
//! lost, they are looked up, and the commit is never repeated blindly.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use landfall_catalog::events::{NewBatch, Remembered, land_batch, remember, remembered};
use landfall_catalog::{Committed, Submission, Tx};
use landfall_model::crash;
use landfall_model::{
    BodyPlace, DatasetName, Error, ErrorKind, EventId, Kind, Landing, LandingId, LandingState, Phase, Principal, Result, Source, Timestamp,
    limits,
};
use landfall_store::{Held, Segments};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use crate::{Inner, Receipt};

/// One request that waits for its commit.
pub(crate) struct Waiting {
    pub dataset: DatasetName,
    pub source: Source,
    pub principal: Principal,
    pub ndjson: Bytes,
    pub count: i64,
    pub idempotency: Option<Idempotency>,
    pub answer: oneshot::Sender<Result<Receipt>>,
}

pub(crate) struct Idempotency {
    pub key: String,
    pub digest: String,
}

/// Everything that waits on this node.
pub(crate) struct Pending {
    queue: Mutex<Queue>,
    /// Locked by one group at a time; there is one landing lane.
    segments: Option<Mutex<Segments>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// True while a submission is on its way that will take what waits.
    submitted: bool,
}

impl Pending {
    pub fn new(segments: Option<Segments>) -> Pending {
        Pending { queue: Mutex::default(), segments: segments.map(Mutex::new) }
    }

    pub fn retire_segments(&self) {
        if let Some(segments) = &self.segments {
            segments.lock().retire();
        }
    }

    /// What the next group takes, and whether more waits behind it.
    fn take(&self) -> (Vec<Waiting>, bool) {
        let mut queue = self.queue.lock();
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < limits::GROUP_REQUESTS_MAX && (taken.is_empty() || bytes < limits::GROUP_BYTES_MAX) {
            let Some(waiting) = queue.waiting.pop_front() else { break };
            bytes += waiting.ndjson.len();
            taken.push(waiting);
        }
        queue.bytes -= bytes;
        queue.submitted = !queue.waiting.is_empty();
        (taken, queue.submitted)
    }
}

/// Puts a request into the next group; refuses where too much waits already.
pub(crate) fn enqueue(inner: &Arc<Inner>, waiting: Waiting) -> Result<()> {
    let mut queue = inner.pending.queue.lock();
    if queue.bytes + waiting.ndjson.len() > limits::PENDING_BYTES_MAX {
        let message = format!("{} bytes wait for their commit on this node, and no more fit: send it again in a moment", queue.bytes);
        return Err(Error::new(ErrorKind::Overloaded, message));
    }
    queue.bytes += waiting.ndjson.len();
    queue.waiting.push_back(waiting);
    let first = !std::mem::replace(&mut queue.submitted, true);
    drop(queue);
    if first {
        submit(inner, Vec::new());
    }
    Ok(())
}

fn submit(inner: &Arc<Inner>, taken: Vec<Waiting>) {
    let outcomes = Vec::new();
    inner.catalog.submit(Box::new(Group { inner: inner.clone(), taken, outcomes, landings: Vec::new(), held: Vec::new() }));
}

/// One group on its way through the catalog's landing lane.
struct Group {
    inner: Arc<Inner>,
    taken: Vec<Waiting>,
    /// For each of `taken`, what it will be told if the commit succeeds.
    outcomes: Vec<Result<Receipt>>,
    landings: Vec<Landing>,
    /// The segments that the landings name: not to be swept before the commit's outcome is known.
    held: Vec<Held>,
}

impl Submission for Group {
    fn run(&mut self, tx: &mut Tx) -> Result<()> {
        if self.taken.is_empty() {
            let (taken, more) = self.inner.pending.take();
            self.taken = taken;
            if more {
                submit(&self.inner, Vec::new());
            }
        }
        self.landings.clear();
        self.held.clear();
        self.outcomes = self.taken.iter().map(|_| Err(Error::new(ErrorKind::Internal, "the group forgot this request"))).collect();
        let now = self.inner.clock.now();
        let groups = by_landing(&self.taken).into_values().collect::<Vec<_>>();
        for members in groups {
            self.land(tx, &members, now)?;
        }
        crash::point("land.before_commit");
        Ok(())
    }

    fn after(self: Box<Self>, outcome: Committed) {
        match outcome {
            Committed::Yes => {
                crash::point("land.committed");
                self.count();
                self.answer();
            }
            // One bad statement must not take the others down: each is tried alone.
            Committed::No(error) if self.taken.len() > 1 && !error.kind.is_passing() => {
                let Group { inner, taken, .. } = *self;
                for waiting in taken {
                    submit(&inner, vec![waiting]);
                }
            }
            Committed::No(error) => self.refuse(&error),
            Committed::Unknown(error) => {
                let runtime = self.inner.runtime.clone();
                runtime.spawn(self.look_up(error));
            }
        }
    }
}

type Shared<'a> = (&'a DatasetName, Source, &'a Principal);

/// The places of the requests that share a landing, datasets in sorted order.
fn by_landing(taken: &[Waiting]) -> BTreeMap<Shared<'_>, Vec<usize>> {
    let mut groups: BTreeMap<Shared<'_>, Vec<usize>> = BTreeMap::new();
    for (place, waiting) in taken.iter().enumerate() {
        groups.entry((&waiting.dataset, waiting.source, &waiting.principal)).or_default().push(place);
    }
    groups
}

/// A request's place, and the place of the one that came before it with the same key.
type Twin = (usize, usize);

impl Group {
    fn receipt(&self, dataset: &DatasetName, first: i64, count: i64, repeated: bool) -> Receipt {
        let id = |seq| EventId { dataset: dataset.clone(), region: self.inner.region.clone(), seq };
        Receipt { first_id: id(first), last_id: id(first + count - 1), count: u64::try_from(count).unwrap_or(0), repeated }
    }

    /// Answers from memory what was answered before; returns the places of those that are new, and the requests that came
    /// together with the first one of their key, each with its place.
    fn without_repeated(&mut self, tx: &mut Tx, members: &[usize], now: Timestamp) -> Result<(Vec<usize>, Vec<Twin>)> {
        let mut new = Vec::with_capacity(members.len());
        let mut twins = Vec::new();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for &place in members {
            let waiting = &self.taken[place];
            let Some(idempotency) = &waiting.idempotency else {
                new.push(place);
                continue;
            };
            if let Some(&twin) = seen.get(idempotency.key.as_str()) {
                twins.push((place, twin));
                continue;
            }
            seen.insert(&idempotency.key, place);
            match remembered(tx, &waiting.principal.to_string(), &waiting.dataset, &idempotency.key, now)? {
                None => new.push(place),
                Some(before) if before.digest == idempotency.digest => {
                    self.outcomes[place] = Ok(self.receipt(&waiting.dataset, before.first_seq, before.records, true));
                }
                Some(_) => self.outcomes[place] = Err(mismatch(&idempotency.key)),
            }
        }
        Ok((new, twins))
    }

    /// Lands the requests of one dataset, source and principal as one landing.
    fn land(&mut self, tx: &mut Tx, members: &[usize], now: Timestamp) -> Result<()> {
        let (members, twins) = self.without_repeated(tx, members, now)?;
        self.land_new(tx, &members, now)?;
        for (place, twin) in twins {
            let same = |place: usize| self.taken[place].idempotency.as_ref().map(|idempotency| &idempotency.digest);
            self.outcomes[place] = match (&self.outcomes[twin], &self.taken[place].idempotency) {
                (Ok(_), Some(idempotency)) if same(place) != same(twin) => Err(mismatch(&idempotency.key)),
                (Ok(receipt), _) => Ok(Receipt { repeated: true, ..receipt.clone() }),
                (Err(error), _) => Err(error.clone()),
            };
        }
        Ok(())
    }

    fn land_new(&mut self, tx: &mut Tx, members: &[usize], now: Timestamp) -> Result<()> {
        let Some(&leader) = members.first() else { return Ok(()) };
        let pieces = lines(members.iter().map(|place| &self.taken[*place].ndjson));
        let size = pieces.iter().map(Bytes::len).sum::<usize>();
        let leader = &self.taken[leader];
        let dataset = leader.dataset.clone();
        let place = match &self.inner.pending.segments {
            Some(segments) if size > limits::SEGMENT_BODY_BYTES_MIN => {
                let placed = segments.lock().append(&pieces)?;
                self.held.push(placed.held);
                BodyPlace::Object { key: placed.key, offset: placed.offset, length: size as u64 }
            }
            _ => BodyPlace::Inline,
        };
        let landing = Landing {
            id: LandingId::new(&self.inner.clock),
            dataset: dataset.clone(),
            region: self.inner.region.clone(),
            kind: Kind::Batch,
            source: leader.source,
            principal: leader.principal.clone(),
            key: None,
            generation: 0,
            content_type: None,
            digest: digest(&pieces),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            received_at: now,
            first_seq: 0,
            records: members.iter().map(|place| self.taken[*place].count).sum(),
            body: place,
            state: LandingState::Live,
            phase: Phase::Received,
            merged: None,
        };
        let body = (landing.body == BodyPlace::Inline).then(|| joined(pieces, size));
        let batch = NewBatch { landing, body };
        let Some(first) = land_batch(tx, &batch)? else {
            for &place in members {
                self.outcomes[place] = Err(full(&dataset));
            }
            return Ok(());
        };
        self.give_numbers(tx, members, first, now)?;
        self.landings.push(Landing { first_seq: first, ..batch.landing });
        Ok(())
    }

    /// Each request's receipt is its range of the landing's numbers.
    fn give_numbers(&mut self, tx: &mut Tx, members: &[usize], first: i64, now: Timestamp) -> Result<()> {
        let mut next = first;
        for &place in members {
            let waiting = &self.taken[place];
            if let Some(idempotency) = &waiting.idempotency {
                let digest = idempotency.digest.clone();
                let receipt = Remembered { digest, region: self.inner.region.clone(), first_seq: next, records: waiting.count };
                remember(tx, &waiting.principal.to_string(), &waiting.dataset, &idempotency.key, &receipt, now)?;
            }
            self.outcomes[place] = Ok(self.receipt(&waiting.dataset, next, waiting.count, false));
            next += waiting.count;
        }
        Ok(())
    }

    fn count(&self) {
        for landing in &self.landings {
            crate::receipt::count_received(landing);
        }
    }

    fn answer(self) {
        for (waiting, outcome) in self.taken.into_iter().zip(self.outcomes) {
            // A caller that has gone has its events landed all the same.
            let _ = waiting.answer.send(outcome);
        }
    }

    fn refuse(self, error: &Error) {
        for waiting in self.taken {
            let _ = waiting.answer.send(Err(error.clone()));
        }
    }

    /// The commit was sent and its answer lost: what the catalog holds decides, as soon as it can be asked.
    async fn look_up(self: Box<Self>, error: Error) {
        let ids = self.landings.iter().map(|landing| landing.id.clone()).collect::<Vec<_>>();
        tracing::warn!(%error, "the answer of a commit was lost; looking it up");
        match self.inner.catalog.recorded(ids.clone()).await {
            Ok(found) if found.len() == ids.len() => {
                self.count();
                self.answer();
            }
            Ok(_) => self.refuse(&error),
            Err(_) => {
                let message = "the catalog went away in the middle of a commit: whether this landed is not known, so send it again only with an Idempotency-Key";
                self.refuse(&Error::new(ErrorKind::Unavailable, message));
            }
        }
    }
}

/// The bodies with a line break between any two, so that each event has a line of its own.
fn lines<'a>(bodies: impl ExactSizeIterator<Item = &'a Bytes>) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(bodies.len() * 2);
    for body in bodies {
        if !pieces.is_empty() {
            pieces.push(Bytes::from_static(b"\n"));
        }
        pieces.push(body.clone());
    }
    pieces
}

fn digest(pieces: &[Bytes]) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece);
    }
    hex::encode(hash.finalize())
}

fn joined(mut pieces: Vec<Bytes>, size: usize) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut joined = BytesMut::with_capacity(size);
    for piece in &pieces {
        joined.extend_from_slice(piece);
    }
    joined.freeze()
}

fn mismatch(key: &str) -> Error {
    let message = format!("the Idempotency-Key `{}` was used for another body: use a new key for a new body", key.escape_debug());
    Error::new(ErrorKind::IdempotencyMismatch, message)
}

fn full(dataset: &DatasetName) -> Error {
    let message =
        format!("more than {} bytes of events of `{dataset}` wait to be loaded: send it again when some are", limits::UNLOADED_BYTES_MAX);
    Error::new(ErrorKind::Overloaded, message)
}
