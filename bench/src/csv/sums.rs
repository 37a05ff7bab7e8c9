//! What a table of the file must answer: counts and sums over every column, known from the rows as they were made.

use std::collections::HashSet;

use anyhow::{Result, bail};

use crate::numbers::{close, float};

/// The same question for every engine; the answers come in the order of `NAMES`. `{table}` is the table's name.
const QUERY: &str = "select count(*), sum(id), sum(floor(extract(epoch from placed_at))), sum(price), sum(amount), \
    sum(case when paid then 1 else 0 end), sum(quantity), count(note), sum(character_length(note)), sum(character_length(reference)), \
    count(distinct city), count(distinct due) from {table}";

const NAMES: [&str; 12] =
    ["rows", "id", "placed_at", "price", "amount", "paid", "quantity", "notes", "note lengths", "reference lengths", "cities", "due days"];

const REFERENCE_CHARACTERS: u64 = 24;

#[derive(Default)]
pub struct Sums {
    rows: u64,
    id: u64,
    seconds: u64,
    /// Hundred-thousandths.
    price: u64,
    cents: u64,
    paid: u64,
    quantity: u64,
    notes: u64,
    note_lengths: u64,
    cities: HashSet<u64>,
    due: HashSet<u64>,
}

pub fn query(table: &str) -> String {
    QUERY.replace("{table}", table)
}

impl Sums {
    pub fn add_row(&mut self, id: u64, second: u64, price: u64, cents: u64, paid: bool, quantity: u64) {
        self.rows += 1;
        self.id += id;
        self.seconds += second;
        self.price += price;
        self.cents += cents;
        self.paid += u64::from(paid);
        self.quantity += quantity;
    }

    pub fn add_note(&mut self, characters: u64) {
        self.notes += 1;
        self.note_lengths += characters;
    }

    pub fn saw(&mut self, city: u64, due: u64) {
        self.cities.insert(city);
        self.due.insert(due);
    }

    /// In the order of the query.
    fn values(&self) -> [f64; 12] {
        let (cities, due) = (self.cities.len() as u64, self.due.len() as u64);
        let counts = [self.paid, self.quantity, self.notes, self.note_lengths, self.rows * REFERENCE_CHARACTERS, cities, due].map(float);
        let [paid, quantity, notes, lengths, references, cities, due] = counts;
        let (price, amount) = (float(self.price) / 1e5, float(self.cents) / 1e2);
        [float(self.rows), float(self.id), float(self.seconds), price, amount, paid, quantity, notes, lengths, references, cities, due]
    }

    /// An error names the peer and every column whose answer is another.
    pub fn check(&self, peer: &str, answers: &[f64]) -> Result<()> {
        let expected = self.values();
        let wrong: Vec<String> = NAMES
            .iter()
            .enumerate()
            .filter(|(at, _)| !answers.get(*at).is_some_and(|answer| close(*answer, expected[*at])))
            .map(|(at, name)| format!("{name}: {:?} instead of {}", answers.get(at), expected[at]))
            .collect();
        if !wrong.is_empty() {
            bail!("the table of {peer} is not the file: {}", wrong.join("; "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_too_few_is_found() {
        let mut sums = Sums::default();
        for id in 1..=3 {
            sums.add_row(id, 10, 250_000, 199, id == 1, 2);
            sums.saw(id % 2, 0);
        }
        sums.add_note(4);
        let mut answers = [3.0, 6.0, 30.0, 7.5, 5.97, 1.0, 6.0, 1.0, 4.0, 72.0, 2.0, 1.0];
        sums.check("a peer", &answers).unwrap();
        answers[0] = 2.0;
        let error = sums.check("a peer", &answers).unwrap_err().to_string();
        assert_eq!(error, "the table of a peer is not the file: rows: Some(2.0) instead of 3");
        assert!(sums.check("a peer", &answers[..4]).is_err());
    }
}
