//! Events acknowledged as durable: single ones at 1, 8 and 64 clients, at a steady rate, and in batches; Landfall with
//! its loader at work and without, beside Redis, PostgreSQL and NATS, in turns, each on a fresh server; and again on a
//! disk whose every sync takes longer.

mod case;
mod reach;
mod tables;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::fsync::SlowDisk;
use crate::load::{Run, closed, open};
use crate::machine;
use crate::peers::{Kind, Peer};
use crate::report;
use case::{CASES, Case, SINGLE};
use tables::{Measured, Results};

#[derive(Args)]
pub struct Options {
    /// Times that every peer has its turn, A B A B.
    #[arg(long, default_value_t = 5)]
    turns: u32,
    /// Seconds that each case is measured for.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Who takes part.
    #[arg(long, value_delimiter = ',', default_values = ["landfall", "landfall-idle", "redis", "postgres", "nats"])]
    peers: Vec<Kind>,
    /// Milliseconds that the second part adds to every sync; 0 leaves that part out.
    #[arg(long, default_value_t = 2)]
    fsync_delay: u32,
    /// GiB of memory to touch before anything is timed.
    #[arg(long, default_value_t = 6)]
    warm_gib: u64,
    /// Only print: leave docs/benchmarks.md as it is.
    #[arg(long)]
    dry: bool,
}

impl Options {
    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

pub async fn run(options: &Options) -> Result<()> {
    machine::warm_memory(options.warm_gib)?;
    let mut text = head(options).await?;
    let results = turns(options, &options.peers, &CASES, None).await?;
    text += &results.markdown();
    text += &reach::markdown(&results);
    if options.fsync_delay > 0 {
        let slow = SlowDisk::compile(options.fsync_delay).await?;
        let reached: Vec<Kind> = options.peers.iter().copied().filter(|kind| kind.syncs_through_libc()).collect();
        let results = turns(options, &reached, &SINGLE, Some(&slow)).await?;
        results.check_delay(options.fsync_delay)?;
        text += &format!(
            "\n**The same with {} ms added to every fsync and fdatasync.** NATS is not here: a static Go program cannot be slowed this way.\n\n{}",
            options.fsync_delay,
            results.markdown()
        );
    }
    if options.dry {
        println!("{text}");
        return Ok(());
    }
    report::keep("events", &text)
}

async fn head(options: &Options) -> Result<String> {
    let mut text = format!(
        "{}, {}. One event is {} bytes of JSON. {} turns of {} s a case, each peer on a fresh server, after a second to warm up; medians of the turns. \
         Each cell: events acknowledged a second, p50 · p99 of a request. `×` is Landfall with its loader at work over the peer. \
         After each turn the peer's own count equals the events that it acknowledged.\n\n",
        machine::today(),
        machine::describe()?,
        crate::peers::EVENT_BYTES,
        options.turns,
        options.seconds
    );
    for kind in &options.peers {
        text += &format!("- {}: {}\n", kind.label(), kind.version().await?);
    }
    Ok(text + "\n")
}

/// Every peer in turn, as often as asked.
async fn turns(options: &Options, peers: &[Kind], cases: &[Case], slow: Option<&SlowDisk>) -> Result<Results> {
    let mut results = Results::new(cases, peers);
    for turn in 1..=options.turns {
        for &kind in peers {
            println!("turn {turn}/{}: {}", options.turns, kind.label());
            let peer = Peer::start(kind, slow).await?;
            let done = one_turn(options, &peer, cases).await;
            let measured = done.with_context(|| format!("{}; the end of its log:\n{}", kind.label(), peer.log_end()))?;
            peer.stop().await?;
            for (case, measured) in cases.iter().zip(measured) {
                println!("  {:<28} {}", case.label(), measured.cell());
                results.add(case, kind, measured);
            }
            machine::settle().await;
        }
    }
    Ok(results)
}

async fn one_turn(options: &Options, peer: &Peer, cases: &[Case]) -> Result<Vec<Measured>> {
    let mut streams = 1;
    let warm = Duration::from_secs(1).min(options.time());
    let mut acked = closed(peer.door(), 8, 1, warm, &mut streams).await?.acked;
    let mut peak = 0.0;
    let mut measured = Vec::new();
    for case in cases {
        let run: Run = match *case {
            Case::Closed { clients, batch } => closed(peer.door(), clients, batch, options.time(), &mut streams).await?,
            Case::HalfPeak { clients } => open(peer.door(), clients, peak / 2.0, options.time(), &mut streams).await?,
        };
        if let Case::Closed { batch: 1, .. } = case {
            peak = run.rate().max(peak);
        }
        acked += run.acked;
        measured.push(Measured::of(&run));
    }
    let counted = peer.count().await?;
    if counted != acked {
        bail!("it acknowledged {acked} events and holds {counted}");
    }
    Ok(measured)
}
