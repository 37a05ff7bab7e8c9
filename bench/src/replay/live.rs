//! Live events at a steady rate. Some of them are probes: sent, acknowledged, and asked for by SQL until the answer has
//! them, which by the promise is the first one.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use tokio::time::{Instant, sleep_until};

use super::Options;
use crate::latency::Latency;
use crate::load::{Run, Stop, open_until};
use crate::numbers::{float, latency, thousands};
use crate::peers::{Answer, Client, Events, Landfall, event_id};

/// Probes under way at once: enough that a slow one does not make the next ones wait.
const PROBERS: u64 = 8;

/// What was measured.
pub struct Live {
    /// Until an event is acknowledged.
    pub acked: Latency,
    /// Until a query's answer has it, from when it is sent; or was due, where the one before kept it waiting.
    pub found: Latency,
    events: u64,
    probes: u64,
}

impl Live {
    pub fn landed(&self) -> u64 {
        self.events + self.probes
    }

    pub fn counts(&self) -> String {
        format!("{}; {}", thousands(float(self.landed())), thousands(float(self.probes)))
    }

    pub fn line(&self) -> String {
        let at = |times: &Latency| format!("{} · {}", latency(times.at(0.5)), latency(times.at(0.99)));
        format!("acknowledged after {}, found after {} ({})", at(&self.acked), at(&self.found), self.counts())
    }
}

/// Sends live events until `stop`.
pub async fn measure(options: &Options, server: &Landfall, stop: Stop, streams: &mut u64) -> Result<Live> {
    let mut own = *streams;
    *streams += PROBERS;
    // Ids grow, as those of most events do: the bounds of the files that were there before tell a query not to look there.
    let load = open_until(server.door(), options.clients, options.rate - options.probes, stop.clone(), streams);
    let start = Instant::now();
    let probers = (0..PROBERS).map(|place| {
        let stream = own;
        own += 1;
        probe(server, stream, place, start, options.probes, &stop)
    });
    let (Run { acked: events, latency: acked, .. }, found) = tokio::try_join!(load, try_join_all(probers))?;
    let mut live = Live { acked, found: Latency::new()?, events, probes: 0 };
    for (times, count) in found {
        live.found.merge(&times)?;
        live.probes += count;
    }
    Ok(live)
}

/// One of the probers, which take turns.
async fn probe(server: &Landfall, stream: u64, place: u64, start: Instant, rate: f64, stop: &Stop) -> Result<(Latency, u64)> {
    let (mut client, mut events) = (server.door().connect().await?, Events::stream(stream));
    let (mut times, mut count) = (Latency::new()?, 0);
    loop {
        let offset = Duration::from_secs_f64(float(place + count * PROBERS) / rate);
        let due = start + offset;
        let late = Instant::now() > due;
        sleep_until(due).await;
        if stop.is_over(start.elapsed()) {
            return Ok((times, count));
        }
        // The runtime wakes up to a millisecond late, which is not the server's.
        let from = if late { due } else { Instant::now() };
        one(server, &mut client, &mut events, &event_id(stream, count)).await?;
        times.record(from.elapsed());
        count += 1;
    }
}

/// Lands one event, and asks for it once.
async fn one(server: &Landfall, client: &mut Client, events: &mut Events, id: &str) -> Result<()> {
    client.prepare(events, 1)?;
    ensure!(client.send().await? == Answer::Acked, "a live event was refused");
    let found = server.number(&format!("select count(*) from events where id = '{id}'")).await?;
    ensure!(found == 1, "event {id} was acknowledged, and the next query finds {found} of it");
    Ok(())
}
