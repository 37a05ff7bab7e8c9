//! Live events while everything that landed before is processed again with another transform: how long each takes until
//! it is acknowledged and until a query finds it, with the replay and without.

mod live;

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::json;

use crate::census::Census;
use crate::load::{Run, Stop, fill};
use crate::machine;
use crate::numbers::{float, latency, rate, thousands};
use crate::peers::{ALL_ROLES, EVENT_BYTES, Landfall, count_events, events_dataset, landfall_version};
use crate::report::{self, Table};
use live::Live;

/// With the replay, events may take so many times as long until a query finds them.
const SLOWER_MAX: f64 = 2.0;
/// What the replay adds to every row.
const COLUMN: &str = "pixels";
const FILL_CLIENTS: usize = 4;
const FILL_BATCH: usize = 1000;
const POLL: Duration = Duration::from_millis(100);
/// Bodies stay for a minute where they landed; what moves then shall not be part of what is measured.
const REST_MIN: Duration = Duration::from_secs(75);
const REST_QUIET: Duration = Duration::from_secs(20);
const REST_MAX: Duration = Duration::from_secs(900);

#[derive(Args)]
pub struct Options {
    /// Events that are there before.
    #[arg(long, default_value_t = 10_000_000)]
    events: u64,
    /// Live events a second, one a request.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// How many of them, a second, are asked for by SQL as soon as they are acknowledged.
    #[arg(long, default_value_t = 20.0)]
    probes: f64,
    /// Connections that the others come over.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Seconds that the live events are measured for without a replay, and at the least with one after the other.
    #[arg(long, default_value_t = 90.0)]
    seconds: f64,
    /// Does not wait until what landed is sealed and merged: for trying.
    #[arg(long)]
    restless: bool,
    /// Only print: leave docs/benchmarks.md as it is.
    #[arg(long)]
    dry: bool,
}

/// What one run measured.
struct Measured {
    filled: Run,
    loaded_after: Duration,
    without: Live,
    with: Live,
    replayed: Replayed,
    peak_before: u64,
    peak: u64,
}

pub async fn run(options: &Options) -> Result<()> {
    ensure!(options.rate > options.probes && options.probes > 0.0, "more events than are asked for, and some of them");
    let server = Landfall::start(&events_dataset(), ALL_ROLES, None).await?;
    let measured = measure(options, &server).await.with_context(|| format!("the end of the log:\n{}", server.log_end()))?;
    server.stop().await?;
    let text = head(options, &measured).await? + &markdown(&measured);
    if options.dry {
        println!("{text}");
        return Ok(());
    }
    report::keep("replay", &text)
}

async fn measure(options: &Options, server: &Landfall) -> Result<Measured> {
    let mut streams = 1;
    let start = Instant::now();
    let filled = fill(server.door(), FILL_CLIENTS, FILL_BATCH, options.events, &mut streams).await?;
    println!("{} events landed at {}/s", filled.acked, rate(filled.rate()));
    server.wait_all_loaded("events").await?;
    let loaded_after = start.elapsed();
    println!("loaded after {:.1} s", loaded_after.as_secs_f64());
    if !options.restless {
        rest(server).await?;
    }
    let peak_before = server.peak_memory()?;
    let without = live::measure(options, server, Stop::after(Duration::from_secs_f64(options.seconds)), &mut streams).await?;
    println!("without a replay: {}", without.line());
    redefine(server).await?;
    let (stop, landed) = (Stop::after(Duration::MAX), filled.acked + without.landed());
    let replays = stopping(&stop, replay(options, server));
    let (with, replayed) = tokio::try_join!(live::measure(options, server, stop.clone(), &mut streams), replays)?;
    println!("while it replays: {}", with.line());
    ensure!(replayed.records >= landed * u64::from(replayed.times), "{landed} events had landed and fewer were replayed");
    server.wait_all_loaded("events").await?;
    check(server, landed + with.landed()).await?;
    Ok(Measured { filled, loaded_after, without, with, replayed, peak_before, peak: server.peak_memory()? })
}

/// Waits until the store's objects have stayed the same for a while: what landed is sealed and its files are merged.
async fn rest(server: &Landfall) -> Result<()> {
    let start = Instant::now();
    let take = || Ok::<_, anyhow::Error>(Census { catalog_bytes: 0, ..Census::take(&server.data())? });
    let (mut census, mut since) = (take()?, start);
    while start.elapsed() < REST_MIN || since.elapsed() < REST_QUIET {
        ensure!(start.elapsed() < REST_MAX, "after {REST_MAX:?} the server still changes its files: {census:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = take()?;
        if now != census {
            (census, since) = (now, Instant::now());
        }
    }
    println!("at rest after {:.0} s: {census:?}", start.elapsed().as_secs_f64());
    Ok(())
}

/// Changes the transform, and waits until the server goes by it.
async fn redefine(server: &Landfall) -> Result<()> {
    server.reload(&format!("{}transform = \"select *, width * height as {COLUMN} from input\"\n", events_dataset()))?;
    let start = Instant::now();
    let changed = "select count(*) from landfall.datasets where dataset = 'events' and transform is not null";
    while server.number(changed).await? == 0 {
        ensure!(start.elapsed() < Duration::from_secs(30), "the server does not take up the new transform:\n{}", server.log_end());
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// Whatever becomes of `work`, `stop` is told when it ends.
async fn stopping<T>(stop: &Stop, work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = work.await;
    stop.now();
    done
}

/// Replays that were done one after the other: their records, and how long they took until the table had changed.
struct Replayed {
    times: u32,
    records: u64,
    time: Duration,
}

/// Replays everything, and again until live events were measured for as long as without.
async fn replay(options: &Options, server: &Landfall) -> Result<Replayed> {
    let (start, mut done) = (Instant::now(), Replayed { times: 0, records: 0, time: Duration::ZERO });
    while done.times == 0 || start.elapsed().as_secs_f64() < options.seconds {
        done.records += replay_once(server).await?;
        done.times += 1;
        done.time = start.elapsed();
    }
    Ok(done)
}

/// The records of one replay, when it is done.
async fn replay_once(server: &Landfall) -> Result<u64> {
    let begun = server.post("/v1/datasets/events/replay", &json!({})).await?;
    let records = begun["records"].as_u64().with_context(|| format!("no records in {begun}"))?;
    let path = format!("/v1/replays/{}", begun["id"].as_str().context("the replay's id")?);
    loop {
        let shown = server.get(&path).await?;
        match shown["state"].as_str() {
            Some("done") => return Ok(records),
            Some("running") => tokio::time::sleep(POLL).await,
            _ => bail!("the replay is not done: {shown}"),
        }
    }
}

/// Fails unless every event is there once, and every row has the new column.
async fn check(server: &Landfall, landed: u64) -> Result<()> {
    let counted = count_events(server.port).await?;
    ensure!(counted == landed, "{landed} events were acknowledged and {counted} are there");
    let new = server.number(&format!("select count({COLUMN}) from events")).await?;
    ensure!(new == landed, "of {landed} rows {new} have the new column");
    Ok(())
}

async fn head(options: &Options, measured: &Measured) -> Result<String> {
    Ok(format!(
        "{}, {}. Landfall {}, all roles, embedded catalog and store. {} events of {EVENT_BYTES} bytes landed in batches of {} at {}/s, and were loaded {:.0} s after the first. Then {} live events a second, one a request, open loop; \
         {} a second of them are asked for by their id as soon as they are acknowledged. First {} s without a replay, then at least as long while replays of everything go on, of which the first adds a column. \
         At the end the audit balances, every event is there once, and every row has the new column.\n\n",
        machine::today(),
        machine::describe()?,
        landfall_version().await?,
        thousands(float(measured.filled.acked)),
        thousands(float(FILL_BATCH as u64)),
        rate(measured.filled.rate()),
        measured.loaded_after.as_secs_f64(),
        options.rate,
        options.probes,
        options.seconds
    ))
}

fn markdown(measured: &Measured) -> String {
    let Measured { without, with, replayed, .. } = measured;
    let mut table = Table::new(["", "without a replay", "while it replays", "times"].map(str::to_owned).to_vec());
    let mut line = |label: &str, [before, after]: [f64; 2]| {
        table.row(vec![label.into(), latency(before), latency(after), format!("{:.2}×", after / before)]);
    };
    line("acknowledged, p50", [without, with].map(|live| live.acked.at(0.5)));
    line("acknowledged, p99", [without, with].map(|live| live.acked.at(0.99)));
    line("found by a query, p50", [without, with].map(|live| live.found.at(0.5)));
    line("found by a query, p99", [without, with].map(|live| live.found.at(0.99)));
    let times = with.found.at(0.99) / without.found.at(0.99);
    table.row(vec!["events; asked for".into(), without.counts(), with.counts(), String::new()]);
    format!(
        "{}\nTo reach: found by a query, p99, at most {SLOWER_MAX}× while it replays: {times:.2}×, {}. Every event was in the answer of the first query after its acknowledgement. \
         {} replays, one after the other, of {} events in all took {:.1} s, {}/s. Peak memory {:.0} MB, {:.0} MB before the live events.\n",
        table.markdown(),
        if times <= SLOWER_MAX { "reached" } else { "missed" },
        replayed.times,
        thousands(float(replayed.records)),
        replayed.time.as_secs_f64(),
        rate(float(replayed.records) / replayed.time.as_secs_f64()),
        float(measured.peak) / 1e6,
        float(measured.peak_before) / 1e6
    )
}
