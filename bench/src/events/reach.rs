//! How far Landfall is from what it wants to reach, case by case.

use super::case::{CASES, Case};
use super::tables::{Measured, Results};
use crate::numbers::{latency, rate};
use crate::peers::Kind;
use crate::report::Table;

/// A number to reach.
#[derive(Clone, Copy)]
enum Goal {
    /// Events a second, at least.
    Rate(f64),
    /// µs, at most.
    P50(f64),
    P99(f64),
}

const GOALS: [(Case, Goal); 8] = [
    (CASES[0], Goal::P50(200.0)),
    (CASES[0], Goal::P99(800.0)),
    (CASES[2], Goal::Rate(60_000.0)),
    (CASES[2], Goal::P99(4_000.0)),
    (CASES[5], Goal::Rate(700_000.0)),
    (CASES[5], Goal::P99(10_000.0)),
    (CASES[7], Goal::Rate(2_000_000.0)),
    (CASES[7], Goal::P99(10_000.0)),
];

impl Goal {
    fn text(self) -> String {
        match self {
            Goal::Rate(wanted) => format!("≥ {}/s", rate(wanted)),
            Goal::P50(wanted) => format!("p50 ≤ {}", latency(wanted)),
            Goal::P99(wanted) => format!("p99 ≤ {}", latency(wanted)),
        }
    }

    /// What was measured, and how many times better or worse than wanted.
    fn verdict(self, measured: &Measured) -> String {
        let (text, times) = match self {
            Goal::Rate(wanted) => (format!("{}/s", rate(measured.rate)), measured.rate / wanted),
            Goal::P50(wanted) => (latency(measured.p50), wanted / measured.p50),
            Goal::P99(wanted) => (latency(measured.p99), wanted / measured.p99),
        };
        if times >= 1.0 { format!("{text}, reached ({times:.2}×)") } else { format!("{text}, missed ({times:.2}×)") }
    }
}

/// A table of goals and verdicts; nothing where Landfall took no part.
pub fn markdown(results: &Results) -> String {
    let ours = [Kind::Landfall, Kind::LandfallIdle];
    let mut table = Table::new(["", "to reach", ours[0].label(), ours[1].label()].map(str::to_owned).to_vec());
    let mut measured = 0;
    for (case, goal) in GOALS {
        let verdicts = ours.map(|kind| results.median(case, kind).map(|m| goal.verdict(&m)));
        measured += verdicts.iter().flatten().count();
        let mut row = vec![case.label(), goal.text()];
        row.extend(verdicts.map(Option::unwrap_or_default));
        table.row(row);
    }
    if measured == 0 { String::new() } else { format!("\n{}", table.markdown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_how_far() {
        let measured = Measured { rate: 30_000.0, p50: 100.0, p99: 8_000.0, refused: 0 };
        assert_eq!(Goal::Rate(60_000.0).verdict(&measured), "30.0k/s, missed (0.50×)");
        assert_eq!(Goal::P50(200.0).verdict(&measured), "100 µs, reached (2.00×)");
        assert_eq!(Goal::P99(4_000.0).verdict(&measured), "8.00 ms, missed (0.50×)");
    }
}
