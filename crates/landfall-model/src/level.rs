//! Service levels: how an age stands to the objective of its dataset. One rule for metrics, lists, timelines and warnings.

use crate::span::Span;

/// How something stands to its objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Less than half of the objective is used up, or it was met.
    Met,
    /// Half of it or more is used up, and it can still be met.
    AtRisk,
    /// It was not met.
    Late,
}

impl Level {
    /// Of what has waited for `micros` microseconds, and still does.
    pub fn of_waiting(micros: i64, objective: Span) -> Level {
        if micros > objective.micros() {
            Level::Late
        } else if micros >= objective.micros() / 2 {
            Level::AtRisk
        } else {
            Level::Met
        }
    }

    /// Of what took `micros` microseconds until it was processed.
    pub fn of_done(micros: i64, objective: Span) -> Level {
        if micros > objective.micros() { Level::Late } else { Level::Met }
    }

    /// The word for it, everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Met => "met",
            Level::AtRisk => "at risk",
            Level::Late => "late",
        }
    }

    /// The number for it, in metrics: an alert is one comparison.
    pub fn number(self) -> u8 {
        match self {
            Level::Met => 0,
            Level::AtRisk => 1,
            Level::Late => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objective_is_at_risk_from_its_half_on_and_met_to_its_last_moment() {
        let objective = Span::seconds(4);
        let waiting = [1_999_999, 2_000_000, 4_000_000, 4_000_001].map(|micros| Level::of_waiting(micros, objective));
        assert_eq!(waiting, [Level::Met, Level::AtRisk, Level::AtRisk, Level::Late]);
        assert_eq!([4_000_000, 4_000_001].map(|micros| Level::of_done(micros, objective)), [Level::Met, Level::Late]);
    }
}
