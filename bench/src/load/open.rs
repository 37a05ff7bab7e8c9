//! The open loop: single events at a steady rate. Each is timed from the moment it was due, so that a stall counts for
//! every request that it kept waiting (coordinated omission corrected).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Run, connect, send};
use crate::numbers::float;
use crate::peers::{Client, Door, Events};

/// A thread of its own keeps the pace, since timers of the runtime are a millisecond coarse. It wakes this often.
const TICK: Duration = Duration::from_micros(50);

/// Sends `rate` events a second for `time` over `clients` connections, in turn.
pub async fn open(door: Door, clients: usize, rate: f64, time: Duration, streams: &mut u64) -> Result<Run> {
    open_until(door, clients, rate, Stop::after(time), streams).await
}

/// When an open loop ends: after a time, or when it is told to.
#[derive(Clone)]
pub struct Stop {
    time: Duration,
    told: Arc<AtomicBool>,
}

impl Stop {
    pub fn after(time: Duration) -> Stop {
        Stop { time, told: Arc::default() }
    }

    /// Nothing more is due from now on.
    pub fn now(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is due any more that late after the start.
    pub fn is_over(&self, offset: Duration) -> bool {
        offset >= self.time || self.told.load(Ordering::Relaxed)
    }
}

/// The same until `stop` says so.
pub async fn open_until(door: Door, clients: usize, rate: f64, stop: Stop, streams: &mut u64) -> Result<Run> {
    let connected = connect(door, clients, streams).await?;
    let mut queues = Vec::with_capacity(clients);
    let mut tasks = Vec::with_capacity(clients);
    // The first one is due a little later, when every client waits for it.
    let start = Instant::now() + Duration::from_millis(10);
    for (client, events) in connected {
        let (queue, due) = unbounded_channel();
        queues.push(queue);
        tasks.push(tokio::spawn(one(client, events, due, start)));
    }
    let pace = std::thread::spawn(move || keep_pace(&queues, rate, start, &stop));
    let mut run = Run::new()?;
    for done in try_join_all(tasks).await? {
        run.add(&done?)?;
    }
    pace.join().ok().context("the pacing thread")?;
    Ok(run)
}

/// Hands each request's due moment to its client; ends when it shall stop or a client is gone.
fn keep_pace(queues: &[UnboundedSender<Instant>], rate: f64, start: Instant, stop: &Stop) {
    for (number, queue) in (0_u64..).zip(queues.iter().cycle()) {
        let offset = Duration::from_secs_f64(float(number) / rate);
        if stop.is_over(offset) {
            return;
        }
        let due = start + offset;
        while Instant::now() < due {
            std::thread::sleep(TICK);
        }
        if queue.send(due).is_err() {
            return;
        }
    }
}

async fn one(mut client: Client, mut events: Events, mut due: UnboundedReceiver<Instant>, start: Instant) -> Result<Run> {
    let mut run = Run::new()?;
    while let Some(moment) = due.recv().await {
        client.prepare(&mut events, 1)?;
        send(&mut client, &mut run).await?;
        run.latency.record(moment.elapsed());
        run.acked += 1;
    }
    run.elapsed = start.elapsed();
    Ok(run)
}
