//! A CSV file of typed rows until it is a committed, durable table: Landfall over HTTP, upload included, beside
//! DuckDB, Polars and `COPY`; then Landfall alone at ten times the size.

mod generate;
mod peers;
mod sums;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tempfile::TempDir;

use crate::numbers::{float, median, megabytes_per_second};
use crate::report::{self, Table};
use crate::{machine, process};
use peers::{Loaded, Loader};
use sums::Sums;

const SEED: u64 = 42;

#[derive(Args)]
pub struct Options {
    /// Times that every peer has its turn, A B A B.
    #[arg(long, default_value_t = 5)]
    turns: u32,
    /// Rows of the file.
    #[arg(long, default_value_t = generate::ROWS)]
    rows: u64,
    /// Landfall alone at this many times the rows, once; 1 leaves it out.
    #[arg(long, default_value_t = 10)]
    scale: u64,
    /// Who takes part.
    #[arg(long, value_delimiter = ',', default_values = ["landfall", "landfall-inferred", "duckdb", "duckdb-detected", "polars-parquet", "polars-delta", "copy"])]
    peers: Vec<Loader>,
    /// GiB of memory to touch before anything is timed.
    #[arg(long, default_value_t = 6)]
    warm_gib: u64,
    /// Only print: leave docs/benchmarks.md as it is.
    #[arg(long)]
    dry: bool,
}

#[derive(Args)]
pub struct GenerateOptions {
    file: PathBuf,
    #[arg(long, default_value_t = generate::ROWS)]
    rows: u64,
}

pub fn generate_file(options: &GenerateOptions) -> Result<()> {
    write_file(&options.file, options.rows).map(drop)
}

fn write_file(path: &Path, rows: u64) -> Result<Sums> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let sums = generate::write(&mut out, rows, SEED)?;
    out.flush()?;
    Ok(sums)
}

/// The generated file, its size, and what any table of it must answer.
pub struct Orders {
    _folder: TempDir,
    pub path: PathBuf,
    pub bytes: u64,
    pub sums: Sums,
}

impl Orders {
    fn generate(rows: u64) -> Result<Orders> {
        let folder = process::folder("csv")?;
        let path = folder.path().join("orders.csv");
        println!("generating {rows} rows");
        let sums = write_file(&path, rows)?;
        let bytes = machine::warm_file(&path)?;
        Ok(Orders { _folder: folder, path, bytes, sums })
    }
}

pub async fn run(options: &Options) -> Result<()> {
    machine::warm_memory(options.warm_gib)?;
    let orders = Orders::generate(options.rows)?;
    let mut text = head(options, &orders).await?;
    let turns = turns(options, &orders).await?;
    text += &markdown(options, &orders, &turns);
    if options.scale > 1 && options.peers.contains(&Loader::Landfall) {
        text += &scaled(options, &orders, &turns[0]).await?;
    }
    if options.dry {
        println!("{text}");
        return Ok(());
    }
    report::keep("csv", &text)
}

async fn head(options: &Options, orders: &Orders) -> Result<String> {
    let mut text = format!(
        "{}, {}. {} rows of 10 typed columns, {:.0} MB, warm in the page cache; {} turns each; medians. The result is synced, file and folder, \
         before the clock stops, and then asked for counts and sums over every column, which equal those of the generator.\n\n",
        machine::today(),
        machine::describe()?,
        crate::numbers::thousands(float(options.rows)),
        float(orders.bytes) / 1e6,
        options.turns
    );
    for loader in &options.peers {
        text += &format!("- {}: {}\n", loader.label(), loader.version().await?);
    }
    Ok(text + "\n")
}

/// What each peer's turns took, in the order of the options.
async fn turns(options: &Options, orders: &Orders) -> Result<Vec<Vec<Loaded>>> {
    let mut all: Vec<Vec<Loaded>> = options.peers.iter().map(|_| Vec::new()).collect();
    for turn in 1..=options.turns {
        for (loader, done) in options.peers.iter().zip(&mut all) {
            machine::settle().await;
            let loaded = loader.load(orders).await.with_context(|| loader.label())?;
            orders.sums.check(loader.label(), &loaded.sums)?;
            let speed = megabytes_per_second(orders.bytes, loaded.time);
            println!("turn {turn}/{}: {:<28} {:.2} s, {speed:.0} MB/s", options.turns, loader.label(), loaded.time.as_secs_f64());
            done.push(loaded);
        }
    }
    Ok(all)
}

fn median_time(turns: &[Loaded]) -> Duration {
    Duration::from_secs_f64(median(&turns.iter().map(|turn| turn.time.as_secs_f64()).collect::<Vec<_>>()).unwrap_or_default())
}

fn peak(turns: &[Loaded]) -> Option<u64> {
    turns.iter().filter_map(|turn| turn.peak_memory).max()
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".into(), |bytes| format!("{:.0} MiB", float(bytes) / 1_048_576.0))
}

fn markdown(options: &Options, orders: &Orders, turns: &[Vec<Loaded>]) -> String {
    let mut table = Table::new(["", "median", "slowest", "MB/s", "Landfall is", "peak memory"].map(str::to_owned).to_vec());
    let ours = options.peers.iter().position(|loader| *loader == Loader::Landfall).map(|at| median_time(&turns[at]));
    for (loader, turns) in options.peers.iter().zip(turns) {
        let time = median_time(turns);
        let slowest = turns.iter().map(|turn| turn.time).max().unwrap_or_default();
        let ratio = ours.map_or_else(String::new, |ours| format!("{:.2}×", time.as_secs_f64() / ours.as_secs_f64()));
        table.row(vec![
            loader.label().into(),
            format!("{:.2} s", time.as_secs_f64()),
            format!("{:.2} s", slowest.as_secs_f64()),
            format!("{:.0}", megabytes_per_second(orders.bytes, time)),
            ratio,
            mebibytes(peak(turns)),
        ]);
    }
    let reach = ours.map_or_else(String::new, |ours| {
        let speed = megabytes_per_second(orders.bytes, ours);
        format!("\nTo reach: 300 MB/s; measured {speed:.0} MB/s ({:.2}×).\n", speed / 300.0)
    });
    table.markdown() + &reach
}

/// Landfall alone with a file some times as large.
async fn scaled(options: &Options, orders: &Orders, small: &[Loaded]) -> Result<String> {
    let large = Orders::generate(options.rows * options.scale)?;
    machine::settle().await;
    let loaded = Loader::Landfall.load(&large).await?;
    large.sums.check("Landfall", &loaded.sums)?;
    let (one, times) = (median_time(small), float(large.bytes) / float(orders.bytes));
    Ok(format!(
        "\n{times:.1} times the size ({:.0} MB): {:.1} s, {:.2} times the time (to reach: at most 11 for ten), {:.0} MB/s; peak memory {}, {} at the first size.\n",
        float(large.bytes) / 1e6,
        loaded.time.as_secs_f64(),
        loaded.time.as_secs_f64() / one.as_secs_f64(),
        megabytes_per_second(large.bytes, loaded.time),
        mebibytes(loaded.peak_memory),
        mebibytes(peak(small))
    ))
}
