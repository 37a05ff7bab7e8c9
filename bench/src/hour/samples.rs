//! Samples of what a server keeps, and their table by tenths of the time.

use anyhow::Result;

use crate::census::Census;
use crate::delta::Log;
use crate::numbers::{float, thousands};
use crate::peers::Landfall;
use crate::report::Table;

const TENTHS: usize = 10;

/// One look.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    events: u64,
    /// Rows of `landfall.landings` and of `landfall.loads`.
    landings: u64,
    loads: u64,
    census: Census,
    /// Data files that the table consists of; the others of `census.data` wait for their last reader.
    live: u64,
}

pub struct Samples {
    expected: u32,
    log: Log,
    taken: Vec<Sample>,
}

impl Samples {
    pub fn new(server: &Landfall, expected: u32) -> Samples {
        Samples { expected, log: Log::of(&server.data().join("store"), "events"), taken: Vec::new() }
    }

    pub async fn take(&mut self, server: &Landfall) -> Result<()> {
        let events = server.number("select count(*) from events").await?;
        let landings = server.number("select count(*) from landfall.landings").await?;
        let loads = server.number("select count(*) from landfall.loads").await?;
        self.log.follow()?;
        let census = Census::take(&server.data())?;
        self.taken.push(Sample { events, landings, loads, census, live: self.log.files().len() as u64 });
        Ok(())
    }

    pub fn last_line(&self) -> String {
        let Some(Sample { events, landings, loads, census, live }) = self.taken.last() else { return String::new() };
        format!("{events} events, {landings} landings, {loads} loads, {live} files in the table, {census:?}")
    }

    /// The greatest of each tenth.
    fn tenths(&self) -> Vec<Sample> {
        let mut tenths = vec![Sample::default(); TENTHS];
        for (number, sample) in self.taken.iter().enumerate() {
            let tenth = &mut tenths[number * TENTHS / (self.expected as usize)];
            *tenth = Sample {
                events: tenth.events.max(sample.events),
                landings: tenth.landings.max(sample.landings),
                loads: tenth.loads.max(sample.loads),
                census: tenth.census.most(sample.census),
                live: tenth.live.max(sample.live),
            };
        }
        tenths
    }

    pub fn markdown(&self) -> String {
        let head = [
            "tenth",
            "events",
            "catalog",
            "landings",
            "loads",
            "data files in the table",
            "and on disk",
            "log",
            "sealed",
            "segments",
            "other",
        ];
        let mut table = Table::new(head.map(str::to_owned).to_vec());
        let tenths = self.tenths();
        for (number, Sample { events, landings, loads, census, live }) in (1..).zip(&tenths) {
            let counts = [*landings, *loads, *live, census.data, census.log, census.sealed, census.segments, census.other];
            let mut row = vec![format!("{number}"), thousands(float(*events)), format!("{:.1} MB", float(census.catalog_bytes) / 1e6)];
            row.extend(counts.map(|count| thousands(float(count))));
            table.row(row);
        }
        format!(
            "The most that any sample of a tenth saw:\n\n{}\n{}",
            table.markdown(),
            growth(&tenths[TENTHS / 2 - 1], &tenths[TENTHS - 1])
        )
    }
}

/// What grew while the events doubled, from the fifth tenth to the tenth.
fn growth(half: &Sample, all: &Sample) -> String {
    let times = |pick: fn(&Sample) -> u64| float(pick(all)) / float(pick(half)).max(1.0);
    format!(
        "From the fifth tenth to the tenth the events became {:.2} times as many; the catalog's bytes {:.2}, rows of `landfall.landings` {:.2}, data files in the table {:.2}, \
         files of its log {:.2}, all other objects but data files {:.2}, all objects on disk {:.2} times.\n",
        times(|sample| sample.events),
        times(|sample| sample.census.catalog_bytes),
        times(|sample| sample.landings),
        times(|sample| sample.live),
        times(|sample| sample.census.log),
        times(|sample| sample.census.objects() - sample.census.data - sample.census.log),
        times(|sample| sample.census.objects()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_shows_the_most_of_its_samples() {
        let sample = |number: u64| Sample { events: number, landings: 100 - number, ..Sample::default() };
        let log = Log::of(std::path::Path::new("/nowhere"), "events");
        let samples = Samples { expected: 20, log, taken: (1..=20).map(sample).collect() };
        let tenths = samples.tenths();
        assert_eq!((tenths[0].events, tenths[0].landings), (2, 99));
        assert_eq!((tenths[9].events, tenths[9].landings), (20, 81));
        assert!(samples.markdown().contains("2.00 times as many"));
    }
}
