//! Jobs: leased with a fencing epoch, heartbeaten, retried, buried. A worker
//! whose lease was taken over matches no row any more, so it can change nothing.

use std::time::Duration;

use landfall_model::{DatasetName, Error, ErrorKind, JobId, LandingId, Result, Timestamp, limits};

use crate::counters::{self, COUNTED, Count, Fate, count_of};
use crate::engine::{Catalog, Row, Topic, Tx};
use crate::landings::{unsigned, word};
use crate::service;
pub use crate::turns::Slots;
use crate::turns::{self, Queue};

/// A job that this node may work on until `lease_until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub job: JobId,
    pub kind: String,
    pub dataset: DatasetName,
    pub landing: LandingId,
    /// Grows with each lease of the job; every later statement names it.
    pub epoch: i64,
    /// This attempt's number, counted from 1.
    pub attempt: u32,
}

fn lease_of(row: &Row) -> Result<Lease> {
    let attempt = u32::try_from(unsigned(row.int(5)?)?).unwrap_or(u32::MAX);
    Ok(Lease {
        job: word(row.text(0)?)?,
        kind: row.text(1)?.to_owned(),
        dataset: word(row.text(2)?)?,
        landing: word(row.text(3)?)?,
        epoch: row.int(4)?,
        attempt,
    })
}

/// True if the lease still holds; locks its row until the transaction ends.
pub(crate) fn holds(tx: &mut Tx, lease: &Lease) -> Result<bool> {
    let sql = format!("select 1 from jobs where id = $1 and epoch = $2 and state = 'leased'{}", tx.for_update());
    Ok(tx.query_opt(&sql, &[lease.job.as_str().into(), lease.epoch.into()])?.is_some())
}

/// Ends a leased job in `state`; false if the lease was lost.
pub(crate) fn end(tx: &mut Tx, lease: &Lease, state: &str, error: Option<&str>, now: Timestamp) -> Result<bool> {
    let sql = "update jobs set state = $3, error = $4, owner = null, lease_until = null, updated_at = $5 \
               where id = $1 and epoch = $2 and state = 'leased'";
    let params = [lease.job.as_str().into(), lease.epoch.into(), state.into(), error.map(str::to_owned).into(), now.into()];
    Ok(tx.execute(sql, &params)? == 1)
}

/// Buries a landing: it becomes a dead letter with its reason. One that was replaced or deleted meanwhile stays what it is.
pub(crate) fn bury(tx: &mut Tx, landing: &LandingId, dataset: &DatasetName, why: &Error, now: Timestamp) -> Result<Option<Buried>> {
    let sql = format!(
        "update landings set phase = 'dead' where id = $1 and phase in ('received', 'staged') and load is null and state = 'live' \
         returning {COUNTED}, received_at"
    );
    let Some(row) = tx.query_opt(&sql, &[landing.as_str().into()])? else {
        return Ok(None);
    };
    let (count, received_at) = (count_of(Fate::DeadLettered, dataset.as_str(), &row)?, Timestamp(row.int(3)?));
    let buried = Buried { count, received_at, at: now, late: service::measure_dead(tx, dataset, landing, now)? };
    let place = |get: fn(landfall_model::Place) -> u64| why.place.map(|place| i64::try_from(get(place)).unwrap_or(i64::MAX));
    let sql = "insert into dead_letters (landing, dataset, code, reason, line, byte_offset, state, created_at) \
               values ($1, $2, $3, $4, $5, $6, 'open', $7) on conflict (landing) do update set code = excluded.code, \
               reason = excluded.reason, line = excluded.line, byte_offset = excluded.byte_offset, state = 'open', created_at = excluded.created_at";
    let params = [
        landing.as_str().into(),
        dataset.as_str().into(),
        why.kind.code().into(),
        why.message.as_str().into(),
        place(|place| place.line).into(),
        place(|place| place.byte_offset).into(),
        now.into(),
    ];
    tx.execute(sql, &params)?;
    Ok(Some(buried))
}

/// A landing whose work ended as a dead letter; counted once that is committed.
pub(crate) struct Buried {
    count: Count,
    received_at: Timestamp,
    at: Timestamp,
    /// How many landings that took longer than they may.
    late: i64,
}

impl Buried {
    pub(crate) fn count(self) {
        counters::processed(&self.count.dataset, self.received_at, self.at, 1);
        counters::breached(&self.count.dataset, self.late);
        counters::add([self.count]);
    }
}

/// Leases the first job of a dataset that is ready and that nobody else is about to lease.
fn lease_head(tx: &mut Tx, owner: &str, dataset: &str, now: Timestamp) -> Result<Option<Lease>> {
    let sql = format!(
        "update jobs set state = 'leased', epoch = epoch + 1, attempts = attempts + 1, owner = $1, lease_until = $2, updated_at = $3 \
         where id = (select id from jobs where dataset = $4 and state = 'ready' and run_at <= $3 order by run_at, id limit 1{}) \
         returning id, kind, dataset, landing, epoch, attempts",
        tx.for_update_skip_locked()
    );
    let params = [owner.into(), now.plus(limits::LEASE).into(), now.into(), dataset.into()];
    tx.query_opt(&sql, &params)?.as_ref().map(lease_of).transpose()
}

impl Catalog {
    /// Leases up to `count` jobs to `owner`, each of the dataset whose turn it is, and keeps no slot for anybody.
    pub async fn lease_jobs(&self, owner: &str, count: usize) -> Result<Vec<Lease>> {
        self.lease_into(owner, Slots { free: count, all: usize::MAX }).await
    }

    /// Leases jobs to `owner` for the slots that it has free, each of the dataset whose turn it is. A slot stays free where
    /// all that is ready is of datasets that have their most.
    pub async fn lease_into(&self, owner: &str, slots: Slots) -> Result<Vec<Lease>> {
        let (owner, now, turns) = (owner.to_owned(), self.clock().now(), self.turns().clone());
        let (leases, rounds) = self
            .write(move |tx| {
                let (mut queue, mut rounds) = (Queue::read(tx, &owner, slots, now)?, turns.now());
                let mut leases = Vec::new();
                while leases.len() < slots.free {
                    let Some(head) = queue.next(&rounds) else { break };
                    match lease_head(tx, &owner, &head.dataset, now)? {
                        Some(lease) => {
                            queue.took(&head, &mut rounds);
                            leases.push(lease);
                        }
                        None => queue.is_empty(&head),
                    }
                }
                Ok((leases, rounds))
            })
            .await?;
        self.turns().remember(rounds);
        Ok(leases)
    }

    /// When the next job becomes ready that waits for a time after `now`.
    pub async fn next_job_at(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        self.read(move |tx| {
            let sql = "select min(x.next_at) from (select (select j.run_at from jobs j where j.dataset = d.name and j.state = 'ready' \
                       and j.run_at > $1 order by j.run_at limit 1) as next_at from datasets d) x";
            turns::by_index(tx)?;
            let row = tx.query_opt(sql, &[now.into()])?;
            Ok(row.map(|row| row.opt_int(0)).transpose()?.flatten().map(Timestamp))
        })
        .await
    }

    /// Renews a lease; false if it was lost, and the work must stop.
    pub async fn heartbeat(&self, lease: &Lease) -> Result<bool> {
        let (lease, now) = (lease.clone(), self.clock().now());
        self.write(move |tx| {
            let sql = "update jobs set lease_until = $3 where id = $1 and epoch = $2 and state = 'leased'";
            Ok(tx.execute(sql, &[lease.job.as_str().into(), lease.epoch.into(), now.plus(limits::LEASE).into()])? == 1)
        })
        .await
    }

    /// The surroundings failed: the job is ready again after `wait`. Gives the lease back; false if it was lost.
    pub async fn retry_job(&self, lease: &Lease, wait: Duration, why: &Error) -> Result<bool> {
        let (lease, why, now) = (lease.clone(), why.to_string(), self.clock().now());
        let done = self
            .write(move |tx| {
                let sql = "update jobs set state = 'ready', owner = null, lease_until = null, run_at = $3, error = $4, updated_at = $5 \
                           where id = $1 and epoch = $2 and state = 'leased'";
                let params = [lease.job.as_str().into(), lease.epoch.into(), now.plus(wait).into(), why.as_str().into(), now.into()];
                Ok(tx.execute(sql, &params)? == 1)
            })
            .await?;
        self.wake(Topic::Work);
        Ok(done)
    }

    /// Hands a job back unharmed, because this node stops: the attempt does not count.
    pub async fn hand_back(&self, lease: &Lease) -> Result<bool> {
        let (lease, now) = (lease.clone(), self.clock().now());
        let done = self
            .write(move |tx| {
                let sql = "update jobs set state = 'ready', attempts = attempts - 1, owner = null, lease_until = null, run_at = $3, updated_at = $3 \
                           where id = $1 and epoch = $2 and state = 'leased'";
                Ok(tx.execute(sql, &[lease.job.as_str().into(), lease.epoch.into(), now.into()])? == 1)
            })
            .await?;
        self.wake(Topic::Work);
        Ok(done)
    }

    /// The work failed for good: the landing becomes a dead letter. False if the lease was lost.
    pub async fn bury_job(&self, lease: &Lease, why: &Error) -> Result<bool> {
        let (lease, why, now) = (lease.clone(), why.clone(), self.clock().now());
        let (held, buried) = self
            .write(move |tx| {
                if !end(tx, &lease, "dead", Some(&why.to_string()), now)? {
                    return Ok((false, None));
                }
                Ok((true, bury(tx, &lease.landing, &lease.dataset, &why, now)?))
            })
            .await?;
        if let Some(buried) = buried {
            buried.count();
        }
        Ok(held)
    }

    /// Makes jobs whose lease has expired ready again, whoever held them. Returns how many.
    pub async fn rescue_jobs(&self) -> Result<u64> {
        let now = self.clock().now();
        let rescued = self
            .write(move |tx| {
                let sql = "update jobs set state = 'ready', owner = null, lease_until = null, run_at = $1, updated_at = $1, \
                           error = 'the lease expired: its worker died or stood still' where state = 'leased' and lease_until <= $1";
                tx.execute(sql, &[now.into()])
            })
            .await?;
        if rescued > 0 {
            counters::lease_expired(rescued);
            self.wake(Topic::Work);
        }
        Ok(rescued)
    }

    /// Ends every lease, of jobs, sinks, replays and runs, without waiting for its time. Only for a catalog that one process has to
    /// itself: whoever held them is dead. Sinks stay marked as left uncleanly.
    pub async fn abandon_leases(&self) -> Result<()> {
        let now = self.clock().now();
        self.write(move |tx| {
            let sql =
                "update jobs set state = 'ready', owner = null, lease_until = null, run_at = $1, updated_at = $1 where state = 'leased'";
            tx.execute(sql, &[now.into()])?;
            for sql in [
                "update sinks set owner = null, lease_until = 0 where owner is not null",
                "update replays set owner = null, lease_until = 0 where owner is not null",
                "update runs set owner = null, lease_until = 0 where owner is not null",
            ] {
                tx.execute(sql, &[])?;
            }
            Ok(())
        })
        .await
    }
}

/// What a job is asked about: its landing must still be there.
pub(crate) fn missing(lease: &Lease) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{} names {}, which the catalog does not hold", lease.job, lease.landing))
}
