//! The closed loop: what the peer can take at this many clients, and how long each waits.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;

use super::{Run, connect, send};
use crate::peers::{Client, Door, Events};

/// Runs `clients` clients with `batch` events a request for `time`. `streams` counts the streams of events that were used.
pub async fn closed(door: Door, clients: usize, batch: usize, time: Duration, streams: &mut u64) -> Result<Run> {
    run(door, clients, batch, Limit { time, events: u64::MAX }, streams).await
}

/// The same until `events` events are in, or a batch less for each client.
pub async fn fill(door: Door, clients: usize, batch: usize, events: u64, streams: &mut u64) -> Result<Run> {
    run(door, clients, batch, Limit { time: Duration::MAX, events: events / u64::try_from(clients)? }, streams).await
}

/// When each client ends: after this time, or where its next batch would be past so many events.
#[derive(Clone, Copy)]
struct Limit {
    time: Duration,
    events: u64,
}

async fn run(door: Door, clients: usize, batch: usize, limit: Limit, streams: &mut u64) -> Result<Run> {
    let connected = connect(door, clients, streams).await?;
    let start = Instant::now();
    let tasks = connected.into_iter().map(|(client, events)| tokio::spawn(one(client, events, batch, start, limit)));
    let mut run = Run::new()?;
    for done in try_join_all(tasks).await? {
        run.add(&done?)?;
    }
    Ok(run)
}

async fn one(mut client: Client, mut events: Events, batch: usize, start: Instant, limit: Limit) -> Result<Run> {
    let mut run = Run::new()?;
    let step = u64::try_from(batch)?;
    while start.elapsed() < limit.time && run.acked.saturating_add(step) <= limit.events {
        client.prepare(&mut events, batch)?;
        let asked = Instant::now();
        send(&mut client, &mut run).await?;
        run.latency.record(asked.elapsed());
        run.acked += step;
    }
    run.elapsed = start.elapsed();
    Ok(run)
}
