//! The open loop: single events at a steady rate. Each is timed from the moment it was due, so that a stall counts for
//! every request that it kept waiting (coordinated omission corrected).

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Run, connect, send};
use crate::numbers::float;
use crate::peers::{Client, Events, Peer};

/// A thread of its own keeps the pace, since timers of the runtime are a millisecond coarse. It wakes this often.
const TICK: Duration = Duration::from_micros(50);

/// Sends `rate` events a second for `time` over `clients` connections, in turn.
pub async fn open(peer: &Peer, clients: usize, rate: f64, time: Duration, streams: &mut u64) -> Result<Run> {
    let connected = connect(peer, clients, streams).await?;
    let mut queues = Vec::with_capacity(clients);
    let mut tasks = Vec::with_capacity(clients);
    // The first one is due a little later, when every client waits for it.
    let start = Instant::now() + Duration::from_millis(10);
    for (client, events) in connected {
        let (queue, due) = unbounded_channel();
        queues.push(queue);
        tasks.push(tokio::spawn(one(client, events, due, start)));
    }
    let pace = std::thread::spawn(move || keep_pace(&queues, rate, start, time));
    let mut run = Run::new()?;
    for done in try_join_all(tasks).await? {
        run.add(&done?)?;
    }
    pace.join().ok().context("the pacing thread")?;
    Ok(run)
}

/// Hands each request's due moment to its client; ends when the time is over or a client is gone.
fn keep_pace(queues: &[UnboundedSender<Instant>], rate: f64, start: Instant, time: Duration) {
    for (number, queue) in (0_u64..).zip(queues.iter().cycle()) {
        let offset = Duration::from_secs_f64(float(number) / rate);
        if offset >= time {
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
