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

/// A case, what it is to reach, and what PostgreSQL did where that was set: another machine, so the ratio to it counts.
type Reach = (Case, Goal, Option<f64>);

const REACH: [Reach; 8] = [
    (CASES[0], Goal::P50(200.0), Some(119.0)),
    (CASES[0], Goal::P99(800.0), None),
    (CASES[2], Goal::Rate(60_000.0), Some(27_000.0)),
    (CASES[2], Goal::P99(4_000.0), None),
    (CASES[5], Goal::Rate(700_000.0), Some(266_000.0)),
    (CASES[5], Goal::P99(10_000.0), None),
    (CASES[7], Goal::Rate(2_000_000.0), Some(266_000.0)),
    (CASES[7], Goal::P99(10_000.0), None),
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
        format!("{text}, {} ({times:.2}×)", word(times >= 1.0))
    }

    /// The same as a ratio to PostgreSQL, which did `then` where the goal was set and `now` beside this run.
    fn beside(self, then: f64, measured: &Measured, now: &Measured) -> String {
        let (sign, wanted, is) = match self {
            Goal::Rate(wanted) => ('≥', wanted / then, measured.rate / now.rate),
            Goal::P50(wanted) => ('≤', wanted / then, measured.p50 / now.p50),
            Goal::P99(wanted) => ('≤', wanted / then, measured.p99 / now.p99),
        };
        let reached = if sign == '≥' { is >= wanted } else { is <= wanted };
        format!("{sign} {wanted:.2}×: {is:.2}×, {}", word(reached))
    }
}

fn word(reached: bool) -> &'static str {
    if reached { "reached" } else { "missed" }
}

/// A table of goals and verdicts; nothing where Landfall took no part.
pub fn markdown(results: &Results) -> String {
    let ours = [Kind::Landfall, Kind::LandfallIdle];
    let mut table = Table::new(["", "to reach", ours[0].label(), ours[1].label(), "beside PostgreSQL"].map(str::to_owned).to_vec());
    let mut measured = 0;
    for (case, goal, then) in REACH {
        let verdicts = ours.map(|kind| results.median(case, kind).map(|m| goal.verdict(&m)));
        measured += verdicts.iter().flatten().count();
        let mut row = vec![case.label(), goal.text()];
        row.extend(verdicts.map(Option::unwrap_or_default));
        let (us, them) = (results.median(case, ours[0]), results.median(case, Kind::Postgres));
        if let (Some(then), Some(us), Some(them)) = (then, us, them) {
            row.push(goal.beside(then, &us, &them));
        }
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
        let theirs = Measured { rate: 10_000.0, p50: 80.0, p99: 9_000.0, refused: 0 };
        assert_eq!(Goal::Rate(60_000.0).beside(30_000.0, &measured, &theirs), "≥ 2.00×: 3.00×, reached");
        assert_eq!(Goal::P50(200.0).beside(200.0, &measured, &theirs), "≤ 1.00×: 1.25×, missed");
    }
}
