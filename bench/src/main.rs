//! Measures Landfall beside its peers. It knows only the outside, HTTP and the `landfall` command, so that nothing
//! here can be fast by knowing more than a user does.
#![allow(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

mod census;
mod clock;
mod csv;
mod delta;
mod events;
mod flights;
mod fsync;
mod hour;
mod latency;
mod load;
mod machine;
mod numbers;
mod peers;
mod process;
mod purge;
mod python;
mod replay;
mod report;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures Landfall beside its peers and writes the table into docs/benchmarks.md")]
struct Arguments {
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Subcommand)]
enum Workload {
    /// Events acknowledged as durable: one a request, in batches, at a steady rate.
    Events(events::Options),
    /// A CSV file until it is a committed table.
    Csv(csv::Options),
    /// Real flights: equal answers, all or none, ten times the size, 5 GB at constant memory.
    Flights(flights::Options),
    /// An hour of steady events: catalog, objects and the time of queries.
    Hour(hour::Options),
    /// Live events while ten million are replayed.
    Replay(replay::Options),
    /// A day that leaves a table of thirty: nothing that stays is written again.
    Purge(purge::Options),
    /// Writes the file of `csv`, to look at it.
    Generate(csv::GenerateOptions),
}

// One thread drives the load: at 64 connections it is the cheapest client there is, and both cores are shared.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if !std::path::Path::new("bench/Cargo.toml").exists() {
        bail!("start it as bench/run, or in the folder that holds bench/");
    }
    let work = async {
        match arguments.workload {
            Workload::Events(options) => events::run(&options).await,
            Workload::Csv(options) => csv::run(&options).await,
            Workload::Flights(options) => flights::run(&options).await,
            Workload::Hour(options) => hour::run(&options).await,
            Workload::Replay(options) => replay::run(&options).await,
            Workload::Purge(options) => purge::run(&options).await,
            Workload::Generate(options) => csv::generate_file(&options),
        }
    };
    // An interrupt drops the work, and with it every server that was started and its folder.
    tokio::select! {
        done = work => done,
        interrupt = tokio::signal::ctrl_c() => { interrupt.context("waiting for an interrupt")?; bail!("interrupted") }
    }
}
