//! Whose turn it is: which dataset's job a node leases next. A backfill of one dataset never starves another, whatever
//! their priorities are, because datasets take turns and no one of them has every slot. `docs/decisions/0010` says why so.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_model::{Priority, Result, Span, Timestamp};
use parking_lot::Mutex;

use crate::engine::{Row, Tx, Value};

/// What a node can take on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Those that are free.
    pub free: usize,
    /// All that it has. One dataset gets at most all but one of them, and so do all of a low priority together.
    pub all: usize,
}

impl Slots {
    /// How many that is. Who has one slot alone cannot keep it free.
    fn most(self) -> usize {
        self.all.saturating_sub(1).max(1)
    }
}

/// What a node remembers of its turns. A node that starts anew begins anew. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Rounds>>);

impl Turns {
    pub(crate) fn now(&self) -> Rounds {
        self.0.lock().clone()
    }

    pub(crate) fn remember(&self, rounds: Rounds) {
        *self.0.lock() = rounds;
    }
}

/// In each round, every dataset whose work waits gets one job. Who comes after a while joins the round that is on: before
/// those who had their turn in it, and with no claim to the turns it did not need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds {
    /// Of each priority, the round that is on.
    on: BTreeMap<Priority, u64>,
    /// The next round of those who had their turn.
    next: BTreeMap<(Priority, String), u64>,
}

impl Rounds {
    fn of(&self, head: &Head) -> u64 {
        let on = self.on.get(&head.priority).copied().unwrap_or(0);
        self.next.get(&(head.priority, head.dataset.clone())).copied().unwrap_or(0).max(on)
    }

    fn served(&mut self, head: &Head) {
        let (round, priority) = (self.of(head), head.priority);
        self.on.insert(priority, round);
        // Whoever is not ahead of the round that is on needs not be remembered.
        self.next.retain(|(of, _), next| *of != priority || *next > round);
        self.next.insert((priority, head.dataset.clone()), round + 1);
    }
}

/// The head of one dataset's queue.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub dataset: String,
    priority: Priority,
    /// When it must be processed, where its dataset has an objective.
    due: Option<Timestamp>,
    run_at: Timestamp,
    job: String,
}

/// Heads are found by index: as many steps as there are datasets, however many jobs wait.
const HEADS: &str = "select d.name, d.priority, d.sla, j.created_at, j.run_at, j.id from datasets d join jobs j on j.id = \
                     (select h.id from jobs h where h.dataset = d.name and h.state = 'ready' and h.run_at <= $1 order by h.run_at, h.id limit 1)";

/// What the node `$1` has leased.
const HELD: &str = "select j.dataset, d.priority, count(*) from jobs j join datasets d on d.name = j.dataset \
                    where j.state = 'leased' and j.owner = $1 group by j.dataset, d.priority";

fn head_of(row: &Row) -> Result<Head> {
    let created_at = Timestamp(row.int(3)?);
    Ok(Head {
        dataset: row.text(0)?.to_owned(),
        priority: Priority::of_rank(row.int(1)?),
        due: row.opt_int(2)?.map(|sla| created_at.plus(Span::of_micros(sla).duration())),
        run_at: Timestamp(row.int(4)?),
        job: row.text(5)?.to_owned(),
    })
}

/// Who waits for a slot of a node, and who has one.
pub(crate) struct Queue {
    heads: Vec<Head>,
    held: BTreeMap<String, usize>,
    held_low: usize,
    slots: Slots,
}

impl Queue {
    pub(crate) fn read(tx: &mut Tx, owner: &str, slots: Slots, now: Timestamp) -> Result<Queue> {
        let asked: [(&str, Vec<Value>); 2] = [(HEADS, vec![now.into()]), (HELD, vec![owner.into()])];
        let mut answers = tx.pipeline(&asked)?.into_iter();
        let heads = answers.next().unwrap_or_default().iter().map(head_of).collect::<Result<_>>()?;
        let mut queue = Queue { heads, held: BTreeMap::new(), held_low: 0, slots };
        for row in answers.next().unwrap_or_default() {
            let count = usize::try_from(row.int(2)?).unwrap_or(0);
            queue.hold(row.text(0)?, Priority::of_rank(row.int(1)?), count);
        }
        Ok(queue)
    }

    fn hold(&mut self, dataset: &str, priority: Priority, count: usize) {
        *self.held.entry(dataset.to_owned()).or_default() += count;
        if priority == Priority::Low {
            self.held_low += count;
        }
    }

    fn may(&self, head: &Head) -> bool {
        let most = self.slots.most();
        let held = self.held.get(&head.dataset).copied().unwrap_or(0);
        held < most && (head.priority != Priority::Low || self.held_low < most)
    }

    /// Whose turn it is: of the highest priority that waits, whoever had its turn least; then what is due first, and then
    /// what has waited longest.
    pub(crate) fn next(&self, rounds: &Rounds) -> Option<Head> {
        let order = |head: &&Head| {
            let due = head.due.map_or(i64::MAX, Timestamp::micros);
            (std::cmp::Reverse(head.priority), rounds.of(head), due, head.run_at, head.job.clone())
        };
        self.heads.iter().filter(|head| self.may(head)).min_by_key(order).cloned()
    }

    /// It had its turn.
    pub(crate) fn took(&mut self, head: &Head, rounds: &mut Rounds) {
        self.hold(&head.dataset, head.priority, 1);
        rounds.served(head);
    }

    /// Nothing more of it is ready.
    pub(crate) fn is_empty(&mut self, head: &Head) {
        self.heads.retain(|other| other.dataset != head.dataset);
    }
}
