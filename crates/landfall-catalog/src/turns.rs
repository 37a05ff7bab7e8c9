//! Whose turn it is: which dataset's job a node leases next. A backfill of one dataset never starves another, whatever
//! their priorities are, because datasets take turns and no one of them has every slot. `docs/decisions/0010` says why so.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_model::{Priority, Result, Timestamp};
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
    run_at: Timestamp,
    /// When it must be processed, where its dataset has an objective.
    due: Option<Timestamp>,
}

/// The first job of the dataset `d` that is ready at `$1`.
const FIRST: &str = "from jobs j where j.dataset = d.name and j.state = 'ready' and j.run_at <= $1 order by j.run_at, j.id limit 1";

/// What the node `$1` has leased, a row for each. They are few, and counted here: to group them, SQLite would read all jobs.
const HELD: &str = "select dataset from jobs where state = 'leased' and owner = $1";

/// The head of each queue, where there is one. It is found by index: in as many steps as there are datasets, however many jobs wait.
fn heads() -> String {
    format!(
        "select d.name, d.priority, d.sla, (select j.run_at {FIRST}), case when d.sla is not null then (select j.created_at {FIRST}) end \
         from datasets d"
    )
}

/// PostgreSQL keeps the plan of a statement until it has counted a table again. One made while few jobs waited would read all
/// of them, in the minute after a million came; the index is right for any number.
const BY_INDEX: &str = "set local enable_seqscan = off";

/// From here to the transaction's end, jobs are looked for by index.
pub(crate) fn by_index(tx: &mut Tx) -> Result<()> {
    if tx.is_postgres() { tx.execute(BY_INDEX, &[]).map(drop) } else { Ok(()) }
}

fn head_of(row: &Row) -> Result<Option<Head>> {
    let Some(run_at) = row.opt_int(3)? else { return Ok(None) };
    let due = row.opt_int(2)?.zip(row.opt_int(4)?).map(|(sla, created_at)| Timestamp(created_at).plus_micros(sla));
    let (dataset, priority) = (row.text(0)?.to_owned(), Priority::of_rank(row.int(1)?));
    Ok(Some(Head { dataset, priority, run_at: Timestamp(run_at), due }))
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
        let heads = heads();
        let mut asked: Vec<(&str, Vec<Value>)> = vec![(&heads, vec![now.into()]), (HELD, vec![owner.into()])];
        if tx.is_postgres() {
            asked.insert(0, (BY_INDEX, Vec::new()));
        }
        let mut answers = tx.pipeline(&asked)?;
        let (held, datasets) = (answers.pop().unwrap_or_default(), answers.pop().unwrap_or_default());
        let mut queue = Queue { heads: Vec::new(), held: BTreeMap::new(), held_low: 0, slots };
        for row in &held {
            *queue.held.entry(row.text(0)?.to_owned()).or_default() += 1;
        }
        for row in &datasets {
            if Priority::of_rank(row.int(1)?) == Priority::Low {
                queue.held_low += queue.held.get(row.text(0)?).copied().unwrap_or(0);
            }
            queue.heads.extend(head_of(row)?);
        }
        Ok(queue)
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
            (std::cmp::Reverse(head.priority), rounds.of(head), due, head.run_at, head.dataset.clone())
        };
        self.heads.iter().filter(|head| self.may(head)).min_by_key(order).cloned()
    }

    /// It had its turn.
    pub(crate) fn took(&mut self, head: &Head, rounds: &mut Rounds) {
        *self.held.entry(head.dataset.clone()).or_default() += 1;
        if head.priority == Priority::Low {
            self.held_low += 1;
        }
        rounds.served(head);
    }

    /// Nothing more of it is ready.
    pub(crate) fn is_empty(&mut self, head: &Head) {
        self.heads.retain(|other| other.dataset != head.dataset);
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::Clock;

    use super::*;
    use crate::Catalog;
    use crate::testing::TestCatalog;

    /// A lease must not decay with the jobs that wait or are done: it reads the few that are leased, and heads by index.
    #[tokio::test]
    async fn neither_jobs_that_wait_nor_those_that_are_done_are_read_one_by_one() {
        let place = TestCatalog::sqlite();
        let catalog = Catalog::open(&place.url(), Clock::system()).await.unwrap();
        let asked = [(heads(), Value::from(0i64)), (HELD.to_owned(), Value::from("node"))];
        let plan = catalog.read(move |tx| {
            let mut steps = Vec::new();
            for (sql, param) in &asked {
                let rows = tx.query(&format!("explain query plan {sql}"), std::slice::from_ref(param))?;
                steps.extend(rows.iter().map(|row| row.text(3).map(str::to_owned)).collect::<Result<Vec<_>>>()?);
            }
            Ok(steps)
        });
        let plan = plan.await.unwrap();
        let of_jobs: Vec<_> = plan.iter().filter(|step| step.contains(" j ") || step.contains(" jobs ")).collect();
        assert_eq!(of_jobs.len(), 3, "{plan:?}");
        for step in of_jobs {
            let heads = step.starts_with("SEARCH j USING") && step.contains("INDEX jobs_ready (dataset=? AND run_at<?)");
            assert!(heads || step.ends_with("USING INDEX jobs_leased"), "{plan:?}");
        }
        assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        catalog.close().await;
    }
}
