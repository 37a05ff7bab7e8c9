//! Ways to ask: a closed loop, where each client waits for its answer and asks again, and an open one, where requests
//! come at a steady rate whether or not the answers do.

mod closed;
mod open;

use std::time::Duration;

use anyhow::Result;

pub use closed::{closed, fill};
pub use open::{Stop, open, open_until};

use crate::latency::Latency;
use crate::peers::{Answer, Client, Door, Events};

/// How long a client waits that was told to come back later.
const REFUSED_WAIT: Duration = Duration::from_millis(100);

/// What one run measured.
pub struct Run {
    /// Events acknowledged.
    pub acked: u64,
    /// Requests that were answered with "later".
    pub refused: u64,
    pub elapsed: Duration,
    pub latency: Latency,
}

impl Run {
    fn new() -> Result<Run> {
        Ok(Run { acked: 0, refused: 0, elapsed: Duration::ZERO, latency: Latency::new()? })
    }

    fn add(&mut self, other: &Run) -> Result<()> {
        self.acked += other.acked;
        self.refused += other.refused;
        self.elapsed = self.elapsed.max(other.elapsed);
        self.latency.merge(&other.latency)
    }

    /// Events acknowledged a second.
    pub fn rate(&self) -> f64 {
        crate::numbers::float(self.acked) / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Connections of one run, each with a stream of events of its own.
async fn connect(door: Door, clients: usize, streams: &mut u64) -> Result<Vec<(Client, Events)>> {
    let mut connected = Vec::with_capacity(clients);
    for _ in 0..clients {
        connected.push((door.connect().await?, Events::stream(*streams)));
        *streams += 1;
    }
    Ok(connected)
}

/// Sends what was prepared until it is taken; counts the refusals.
async fn send(client: &mut Client, run: &mut Run) -> Result<()> {
    while client.send().await? == Answer::Refused {
        run.refused += 1;
        tokio::time::sleep(REFUSED_WAIT).await;
    }
    Ok(())
}
