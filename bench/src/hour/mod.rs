//! An hour of steady events, one a request: whether the catalog and the objects of the store grow with it, and whether
//! queries slow down. The server's clock may run faster, and then as many events come in less time.

mod queries;
mod samples;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::load::{Run, Stop, open_until};
use crate::numbers::{float, latency, thousands};
use crate::peers::{ALL_ROLES, Landfall, count_events, events_dataset, landfall_version};
use crate::{machine, process, report};
use queries::{Queries, Times};
use samples::Samples;

/// At least as many samples, however short the time is.
const SAMPLES_MIN: u32 = 20;
/// How far the server's clock may be from the speed that it was given.
const CLOCK_TOLERANCE: f64 = 0.03;

#[derive(Args)]
pub struct Options {
    /// Minutes of the server's clock.
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// Events a second of the server's clock.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// How many times as fast as the machine's the server's clock runs; other than 1 it needs libfaketime.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Connections that the events come over.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Times that each query is asked, at the beginning and at the end.
    #[arg(long, default_value_t = 15)]
    repeats: usize,
    /// Only print: leave docs/benchmarks.md as it is.
    #[arg(long)]
    dry: bool,
}

impl Options {
    /// A length of the server's time, as the machine's clock has it.
    fn real(&self, server: Duration) -> Duration {
        server.div_f64(self.speed)
    }

    fn length(&self) -> Duration {
        Duration::from_secs(60) * self.minutes
    }

    fn samples(&self) -> u32 {
        self.minutes.max(SAMPLES_MIN)
    }
}

/// What an hour was like.
struct Hour {
    load: Run,
    samples: Samples,
    first: Times,
    last: Times,
    peak_memory: u64,
}

pub async fn run(options: &Options) -> Result<()> {
    ensure!(options.speed > 0.0 && options.rate > 0.0 && options.minutes > 0 && options.clients > 0, "nothing of this may be 0");
    let clock = if clock_is_real(options) { None } else { Some(Clock::faster(options.speed).await?) };
    let change = |command: &mut tokio::process::Command| clock.iter().for_each(|clock| clock.apply(command));
    let server = Landfall::start_in(process::folder("hour")?, &events_dataset(), ALL_ROLES, change).await?;
    let hour = hour(options, &server).await.with_context(|| format!("the end of the log:\n{}", server.log_end()))?;
    server.stop().await?;
    let text = head(options, &hour).await? + &hour.samples.markdown() + "\n" + &queries::markdown(&hour.first, &hour.last);
    if options.dry {
        println!("{text}");
        return Ok(());
    }
    report::keep("hour", &text)
}

async fn hour(options: &Options, server: &Landfall) -> Result<Hour> {
    let (stop, mut streams) = (Stop::after(Duration::MAX), 1);
    let load = open_until(server.door(), options.clients, options.rate * options.speed, stop.clone(), &mut streams);
    // The load goes on until the last query was asked, so that the first and the last are asked under the same.
    let watched = async {
        let watched = watch(options, server).await;
        stop.now();
        watched
    };
    let (load, (samples, first, last)) = tokio::try_join!(load, watched)?;
    let peak_memory = server.peak_memory()?;
    check_clock(options, server, &load).await?;
    server.wait_all_loaded("events").await?;
    let counted = count_events(server.port).await?;
    ensure!(counted == load.acked, "{} events were acknowledged and {counted} are there", load.acked);
    Ok(Hour { load, samples, first, last, peak_memory })
}

/// Samples at a steady pace; queries when the first tenth is over, and at the end.
async fn watch(options: &Options, server: &Landfall) -> Result<(Samples, Times, Times)> {
    let (start, count) = (Instant::now(), options.samples());
    let mut samples = Samples::new(server, count);
    let mut first = None;
    for number in 1..=count {
        sleep_until(start + options.real(options.length() * number / count)).await;
        samples.take(server).await?;
        println!("{:>5.1} min: {}", f64::from(number * options.minutes) / f64::from(count), samples.last_line());
        if number == count / 10 {
            let queries = Queries::new(server, options).await?;
            first = Some((queries.ask(server, options.repeats).await?, queries));
        }
    }
    let (first, queries) = first.context("a tenth of the time")?;
    let last = queries.ask(server, options.repeats).await?;
    queries::check_same(&first, &last)?;
    Ok((samples, first, last))
}

/// Fails unless the events were received over as long a time of the server's clock as was asked for.
async fn check_clock(options: &Options, server: &Landfall, load: &Run) -> Result<()> {
    let sql = "select extract(epoch from max(_received_at)) - extract(epoch from min(_received_at)) from events";
    let rows = server.sql(sql).await?;
    let told = rows.first().and_then(|row| row.first()?.as_f64()).with_context(|| format!("a time, not {rows:?}"))?;
    let expected = load.elapsed.as_secs_f64() * options.speed;
    if (told / expected - 1.0).abs() > CLOCK_TOLERANCE {
        bail!("by the server's clock the events came within {told:.1} s instead of {expected:.1} s");
    }
    println!("by the server's clock the events came within {told:.1} s, by this one within {:.1} s", load.elapsed.as_secs_f64());
    Ok(())
}

async fn head(options: &Options, hour: &Hour) -> Result<String> {
    let pace = if clock_is_real(options) {
        "in real time".to_owned()
    } else {
        format!(
            "the server's clock, its timers included, running {} times as fast, so that {} events a second came",
            options.speed,
            thousands(options.rate * options.speed)
        )
    };
    Ok(format!(
        "{}, {}. Landfall {}, all roles, embedded catalog and store. {} events of {} bytes, one a request, over {} minutes at {} a second, open loop, {} clients, {pace}; \
         acknowledged after {} · {} (p50 · p99), {} told to come later. At the end the audit balances and every event is there once. Peak memory {:.0} MB.\n\n",
        machine::today(),
        machine::describe()?,
        landfall_version().await?,
        thousands(float(hour.load.acked)),
        crate::peers::EVENT_BYTES,
        options.minutes,
        options.rate,
        options.clients,
        latency(hour.load.latency.at(0.5)),
        latency(hour.load.latency.at(0.99)),
        hour.load.refused,
        float(hour.peak_memory) / 1e6,
    ))
}

fn clock_is_real(options: &Options) -> bool {
    (options.speed - 1.0).abs() < f64::EPSILON
}
