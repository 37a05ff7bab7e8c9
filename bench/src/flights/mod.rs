//! Real flights: a zipped CSV file whose every answer is DuckDB's too, seen by queries as a whole or not at all while it
//! loads; ten times the file in at most eleven times the time and the same memory; and 5 GB at constant memory.

mod files;
mod watch;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::numbers::{close, float, median, megabytes_per_second};
use crate::peers::{ALL_ROLES, Landfall, landfall_version};
use crate::report::{self, Table};
use crate::{machine, process, python};
use watch::Watch;

const PEAK_MAX: u64 = 400_000_000;
/// Ten times the file may take eleven times the time.
const OVERHEAD_MAX: f64 = 1.1;
const DATASET: &str = "[datasets.flights]\n";
const GROUP_BY: &str = "select carrier, count(*), avg(dep_delay) from flights group by carrier order by carrier";

#[derive(Args)]
pub struct Options {
    /// The zipped file of flights.
    #[arg(long, default_value = "../shared/data/flights/flights.csv.zip")]
    file: PathBuf,
    /// Times that each size has its turn.
    #[arg(long, default_value_t = 5)]
    turns: u32,
    /// How many times the file the large one holds.
    #[arg(long, default_value_t = 10)]
    scale: u64,
    /// GB of the body that is streamed; 0 leaves it out.
    #[arg(long, default_value_t = 5.0)]
    stream_gb: f64,
    /// GiB of memory to touch before anything is timed.
    #[arg(long, default_value_t = 4)]
    warm_gib: u64,
    /// Only print: leave docs/benchmarks.md as it is.
    #[arg(long)]
    dry: bool,
}

/// What DuckDB says of a file.
#[derive(Deserialize)]
struct Truth {
    rows: u64,
    groups: Vec<(String, u64, f64)>,
}

/// One load of one size.
struct Loaded {
    time: Duration,
    peak: u64,
    queries: u64,
}

pub async fn run(options: &Options) -> Result<()> {
    if !options.file.exists() {
        bail!("{} is not there: name the file with --file", options.file.display());
    }
    machine::warm_memory(options.warm_gib)?;
    let folder = process::folder("flights")?;
    let large = folder.path().join("flights_large.csv.zip");
    files::repeat(&options.file, &large, options.scale).await?;
    let sizes = [options.file.clone(), large];
    let mut turns: [Vec<Loaded>; 2] = [Vec::new(), Vec::new()];
    let truths = [truth(&sizes[0]).await?, truth(&sizes[1]).await?];
    for turn in 1..=options.turns {
        for ((size, truth), done) in sizes.iter().zip(&truths).zip(&mut turns) {
            machine::settle().await;
            let loaded = load(size, truth).await?;
            println!("turn {turn}/{}: {} rows in {:.2} s", options.turns, truth.rows, loaded.time.as_secs_f64());
            done.push(loaded);
        }
    }
    let mut text = head(options).await? + &markdown(options, &truths, &turns);
    if options.stream_gb > 0.0 {
        text += &stream(options).await?;
    }
    if options.dry {
        println!("{text}");
        return Ok(());
    }
    report::keep("flights", &text)
}

async fn truth(file: &Path) -> Result<Truth> {
    python::run("flights_truth", &[&file.to_string_lossy()]).await
}

async fn head(options: &Options) -> Result<String> {
    Ok(format!(
        "{}, {}. Landfall {}; DuckDB {} for the truth. The zipped file is put over HTTP until its status is `loaded`, into a fresh server, \
         types inferred; {} turns each, medians. Rows, and count and average delay by carrier, equal DuckDB's; every query that ran meanwhile saw no row or all.\n\n",
        machine::today(),
        machine::describe()?,
        landfall_version().await?,
        python::version("duckdb"),
        options.turns
    ))
}

/// Loads a file into a fresh server while queries watch, and compares the answers.
async fn load(file: &Path, truth: &Truth) -> Result<Loaded> {
    let server = Landfall::start(DATASET, ALL_ROLES, None).await?;
    machine::warm_file(file)?;
    let start = Instant::now();
    let loading = async {
        let id = server.put_file("flights", file).await?;
        server.wait_loaded(&id).await?;
        Ok::<_, anyhow::Error>(start.elapsed())
    };
    let watch = Watch::new(&server, "flights", truth.rows);
    let (time, queries) = watch.during(loading).await?;
    compare(truth, &server.sql(GROUP_BY).await?)?;
    let peak = server.peak_memory()?;
    server.stop().await?;
    Ok(Loaded { time, peak, queries })
}

/// Fails unless every carrier has DuckDB's count and average.
fn compare(truth: &Truth, rows: &[Vec<Value>]) -> Result<()> {
    let same = |((carrier, count, delay), row): (&(String, u64, f64), &Vec<Value>)| {
        row.len() == 3
            && row[0].as_str() == Some(carrier)
            && row[1].as_u64() == Some(*count)
            && row[2].as_f64().is_some_and(|answer| close(answer, *delay))
    };
    let total: u64 = truth.groups.iter().map(|group| group.1).sum();
    if total != truth.rows || rows.len() != truth.groups.len() || !truth.groups.iter().zip(rows).all(same) {
        bail!("Landfall answers {rows:?}, DuckDB {:?}", truth.groups);
    }
    Ok(())
}

fn markdown(options: &Options, truths: &[Truth; 2], turns: &[Vec<Loaded>; 2]) -> String {
    let mut table = Table::new(["", "rows", "median", "peak memory", "queries meanwhile"].map(str::to_owned).to_vec());
    let times =
        turns.each_ref().map(|turns| median(&turns.iter().map(|turn| turn.time.as_secs_f64()).collect::<Vec<_>>()).unwrap_or_default());
    let peaks = turns.each_ref().map(|turns| turns.iter().map(|turn| turn.peak).max().unwrap_or_default());
    for (at, label) in ["flights".to_owned(), format!("{} times", options.scale)].into_iter().enumerate() {
        let queries: u64 = turns[at].iter().map(|turn| turn.queries).sum();
        let cells =
            [crate::numbers::thousands(float(truths[at].rows)), format!("{:.2} s", times[at]), megabytes(peaks[at]), queries.to_string()];
        table.row([vec![label], cells.to_vec()].concat());
    }
    let (ratio, limit) = (times[1] / times[0], float(options.scale) * OVERHEAD_MAX);
    let verdict = |reached: bool| if reached { "reached" } else { "missed" };
    table.markdown()
        + &format!(
            "\n{} times the file takes {ratio:.2} times the time (at most {limit:.1}: {}), at a peak of {} (at most {}: {}).\n",
            options.scale,
            verdict(ratio <= limit),
            megabytes(peaks[1]),
            megabytes(PEAK_MAX),
            verdict(peaks[1] < PEAK_MAX)
        )
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", float(bytes) / 1e6)
}

/// One body of several GB, made as it is sent: the server's memory must not follow it.
async fn stream(options: &Options) -> Result<String> {
    let (rows, length, body) = files::endless(options.stream_gb);
    println!("streaming {}", megabytes(length));
    let server = Landfall::start(DATASET, ALL_ROLES, None).await?;
    let start = Instant::now();
    let id = server.put("flights", "stream.csv", length, body).await?;
    let (landed, at_landing) = (start.elapsed(), server.peak_memory()?);
    server.wait_loaded(&id).await?;
    let (loaded, peak) = (start.elapsed(), server.peak_memory()?);
    let counted = server.sql("select count(*) from flights").await?;
    let counted = counted.first().and_then(|row| row.first()?.as_u64()).context("a count")?;
    server.stop().await?;
    if counted != rows {
        bail!("{rows} rows were streamed and {counted} are in the table");
    }
    Ok(format!(
        "\nOne body of {} ({} rows), made as it is sent: acknowledged after {:.1} s ({:.0} MB/s) at a peak of {}, loaded after {:.1} s ({:.0} MB/s) at a peak of {}.\n",
        megabytes(length),
        crate::numbers::thousands(float(rows)),
        landed.as_secs_f64(),
        megabytes_per_second(length, landed),
        megabytes(at_landing),
        loaded.as_secs_f64(),
        megabytes_per_second(length, loaded),
        megabytes(peak)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_differs_is_found() {
        let truth = Truth { rows: 3, groups: vec![("AA".into(), 1, 2.5), ("UA".into(), 2, -1.0)] };
        let rows = |count: u64| -> Vec<Vec<Value>> {
            serde_json::from_str(&format!(r#"[["AA",1,2.5],["UA",{count},-1.0000000000001]]"#)).unwrap()
        };
        assert!(compare(&truth, &rows(2)).is_ok());
        assert!(compare(&truth, &rows(3)).is_err());
        assert!(compare(&truth, &rows(2)[..1]).is_err());
    }
}
