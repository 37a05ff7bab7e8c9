//! What the turns measured, and the table of their medians.

use std::collections::HashMap;

use anyhow::{Result, bail};

use super::case::{Case, SINGLE};
use crate::load::Run;
use crate::numbers::{latency, median, rate};
use crate::peers::Kind;
use crate::report::Table;

/// One run in three numbers: events a second, µs, µs; and how often the peer said "later".
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
    pub refused: u64,
}

pub struct Results {
    cases: Vec<Case>,
    peers: Vec<Kind>,
    turns: HashMap<(usize, usize), Vec<Measured>>,
}

impl Measured {
    pub fn of(run: &Run) -> Measured {
        Measured { rate: run.rate(), p50: run.latency.at(0.5), p99: run.latency.at(0.99), refused: run.refused }
    }

    pub fn cell(&self) -> String {
        let refused = if self.refused > 0 { format!(" ({} told to wait)", self.refused) } else { String::new() };
        format!("{}/s, {} · {}{refused}", rate(self.rate), latency(self.p50), latency(self.p99))
    }
}

impl Results {
    pub fn new(cases: &[Case], peers: &[Kind]) -> Results {
        Results { cases: cases.to_vec(), peers: peers.to_vec(), turns: HashMap::new() }
    }

    pub fn add(&mut self, case: &Case, kind: Kind, measured: Measured) {
        if let Some(at) = self.place(*case, kind) {
            self.turns.entry(at).or_default().push(measured);
        }
    }

    fn place(&self, case: Case, kind: Kind) -> Option<(usize, usize)> {
        Some((self.cases.iter().position(|c| *c == case)?, self.peers.iter().position(|p| *p == kind)?))
    }

    /// The medians of a peer's turns, number by number.
    pub fn median(&self, case: Case, kind: Kind) -> Option<Measured> {
        let turns = self.turns.get(&self.place(case, kind)?)?;
        let of = |number: fn(&Measured) -> f64| median(&turns.iter().map(number).collect::<Vec<_>>());
        Some(Measured { rate: of(|m| m.rate)?, p50: of(|m| m.p50)?, p99: of(|m| m.p99)?, refused: turns.iter().map(|m| m.refused).sum() })
    }

    /// On a disk whose every sync takes `milliseconds` more, nobody can acknowledge sooner: one who does was not reached.
    pub fn check_delay(&self, milliseconds: u32) -> Result<()> {
        for &kind in &self.peers {
            if let Some(measured) = self.median(SINGLE[0], kind)
                && measured.p50 < f64::from(milliseconds) * 1000.0
            {
                bail!(
                    "{} acknowledged in {} though every sync takes {milliseconds} ms: it does not wait for one",
                    kind.label(),
                    latency(measured.p50)
                );
            }
        }
        Ok(())
    }

    pub fn markdown(&self) -> String {
        let compared = self.peers.contains(&Kind::Landfall);
        let others: Vec<Kind> = self.peers.iter().copied().filter(|kind| compared && !kind.is_landfall()).collect();
        let mut head = vec![String::new()];
        head.extend(self.peers.iter().map(|kind| kind.label().to_owned()));
        head.extend(others.iter().map(|kind| format!("× {}", kind.label())));
        let mut table = Table::new(head);
        for &case in &self.cases {
            let mut row = vec![case.label()];
            row.extend(self.peers.iter().map(|&kind| self.median(case, kind).map(|m| m.cell()).unwrap_or_default()));
            let ours = self.median(case, Kind::Landfall);
            row.extend(others.iter().map(|&kind| match (ours, self.median(case, kind), case) {
                // Each at half its own peak: a ratio of the rates would say nothing new.
                (_, _, Case::HalfPeak { .. }) => "-".to_owned(),
                (Some(ours), Some(theirs), _) => format!("{:.2}", ours.rate / theirs.rate),
                _ => String::new(),
            }));
            table.row(row);
        }
        table.markdown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rate: f64) -> Measured {
        Measured { rate, p50: 1e6 / rate, p99: 2e6 / rate, refused: 0 }
    }

    #[test]
    fn the_table_holds_medians_and_ratios() {
        let mut results = Results::new(&SINGLE[..1], &[Kind::Landfall, Kind::Redis]);
        for rate in [100.0, 300.0, 200.0] {
            results.add(&SINGLE[0], Kind::Landfall, measured(rate));
            results.add(&SINGLE[0], Kind::Redis, measured(rate * 2.0));
        }
        let text = results.markdown();
        assert!(text.contains("| 1 client | 200/s, 5.00 ms · 10.00 ms | 400/s, 2.50 ms · 5.00 ms | 0.50 |"), "{text}");
    }

    #[test]
    fn an_ack_before_the_sync_is_found_out() {
        let mut results = Results::new(&SINGLE[..1], &[Kind::Redis]);
        results.add(&SINGLE[0], Kind::Redis, measured(1000.0));
        assert!(results.check_delay(1).is_ok());
        assert!(results.check_delay(2).is_err());
    }
}
