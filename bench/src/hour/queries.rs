//! The queries of the hour: over all that is there, and over the first tenth, whose answers must stay the same.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Options;
use crate::numbers::{latency, median};
use crate::peers::{Landfall, event_id};
use crate::report::Table;

/// At the end a query may take so many times as long as when the first tenth was in.
const SLOWER_MAX: f64 = 1.5;

/// What is asked, with the moment that ends the first tenth, and events of it to look up.
pub struct Queries {
    first_tenth: String,
    ids: Vec<String>,
}

/// The times of one query in µs, and its last answer.
pub struct Timed {
    label: &'static str,
    /// Whether its answer must be the same at the end.
    fixed: bool,
    times: Vec<f64>,
    answer: Vec<Vec<Value>>,
}

pub type Times = Vec<Timed>;

impl Queries {
    /// The first tenth is what is there now.
    pub async fn new(server: &Landfall, options: &Options) -> Result<Queries> {
        let newest = server.sql("select max(_received_at) from events").await?;
        let moment = newest.first().and_then(|row| row.first()?.as_str()).context("the moment of the newest event")?;
        // Events of every client, early and late ones of the tenth; no client is so far behind the others that it lacks them.
        let each = server.number("select count(*) from events").await? / options.clients as u64;
        let (clients, repeats) = (options.clients as u64, options.repeats as u64);
        let id = |turn: u64| event_id(1 + turn % clients, each * 3 / 4 * turn / repeats);
        Ok(Queries { first_tenth: format!("_received_at <= timestamp '{moment}'"), ids: (0..repeats).map(id).collect() })
    }

    /// Every query in turn, as often as asked.
    pub async fn ask(&self, server: &Landfall, repeats: usize) -> Result<Times> {
        let tenth = &self.first_tenth;
        let group_by = "select country, count(*), max(_received_at) from events";
        let mut asked = [
            ("count with a filter, all", false, "select count(*) from events where country = 'NO'".to_owned()),
            ("group by, all", false, format!("{group_by} group by country order by country")),
            ("look-up of one event by its id, in all", false, String::new()),
            ("count with a filter, first tenth", true, format!("select count(*) from events where country = 'NO' and {tenth}")),
            ("group by, first tenth", true, format!("{group_by} where {tenth} group by country order by country")),
        ];
        let mut times: Times =
            asked.iter().map(|(label, fixed, _)| Timed { label, fixed: *fixed, times: vec![], answer: vec![] }).collect();
        for id in self.ids.iter().take(repeats) {
            asked[2].2 = format!("select * from events where id = '{id}'");
            for ((label, _, sql), timed) in asked.iter().zip(&mut times) {
                let start = Instant::now();
                timed.answer = server.sql(sql).await?;
                timed.times.push(start.elapsed().as_secs_f64() * 1e6);
                ensure!(!timed.answer.is_empty(), "{label}: `{sql}` has no answer");
            }
        }
        Ok(times)
    }
}

/// Fails if the first tenth is answered differently at the end.
pub fn check_same(first: &Times, last: &Times) -> Result<()> {
    for (first, last) in first.iter().zip(last).filter(|(first, _)| first.fixed) {
        ensure!(first.answer == last.answer, "{}: {:?} at first and {:?} at the end", first.label, first.answer, last.answer);
    }
    Ok(())
}

pub fn markdown(first: &Times, last: &Times) -> String {
    let mut table = Table::new(["", "when the first tenth is in", "at the end", "times", ""].map(str::to_owned).to_vec());
    for (first, last) in first.iter().zip(last) {
        let [before, after] = [first, last].map(|timed| median(&timed.times).unwrap_or_default());
        let times = after / before;
        let verdict = if times <= SLOWER_MAX { "reached" } else { "missed" };
        table.row(vec![first.label.into(), latency(before), latency(after), format!("{times:.2}×"), format!("≤ {SLOWER_MAX}×: {verdict}")]);
    }
    format!(
        "The time of queries over HTTP while events come in, medians of {}. `all` is every event that is there, ten times as many at the end as when the first tenth is in; `first tenth` is the same events both times, and the answers are the same.\n\n{}",
        first.first().map_or(0, |timed| timed.times.len()),
        table.markdown()
    )
}
