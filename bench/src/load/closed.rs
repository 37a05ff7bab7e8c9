//! The closed loop: what the peer can take at this many clients, and how long each waits.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;

use super::{Run, connect, send};
use crate::peers::{Client, Events, Peer};

/// Runs `clients` clients with `batch` events a request for `time`. `streams` counts the streams of events that were used.
pub async fn closed(peer: &Peer, clients: usize, batch: usize, time: Duration, streams: &mut u64) -> Result<Run> {
    let connected = connect(peer, clients, streams).await?;
    let start = Instant::now();
    let tasks = connected.into_iter().map(|(client, events)| tokio::spawn(one(client, events, batch, start, time)));
    let mut run = Run::new()?;
    for done in try_join_all(tasks).await? {
        run.add(&done?)?;
    }
    Ok(run)
}

async fn one(mut client: Client, mut events: Events, batch: usize, start: Instant, time: Duration) -> Result<Run> {
    let mut run = Run::new()?;
    while start.elapsed() < time {
        client.prepare(&mut events, batch)?;
        let asked = Instant::now();
        send(&mut client, &mut run).await?;
        run.latency.record(asked.elapsed());
        run.acked += u64::try_from(batch)?;
    }
    run.elapsed = start.elapsed();
    Ok(run)
}
