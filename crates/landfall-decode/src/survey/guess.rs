//! The type that a column's values suggest.

use landfall_model::Type;

use crate::build::Cell;
use crate::value::{boolean, double, integer, moment};

const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const BOOLEAN: u8 = 4;
const NESTED: u8 = 8;

/// Whole numbers beyond this lose digits as a double.
const DOUBLE_WHOLE_MAX: u64 = 1 << 53;

/// What is still possible after the values seen so far.
#[derive(Clone, Debug)]
pub struct Guess {
    /// Kinds of values that were seen.
    seen: u8,
    boolean: bool,
    bigint: bool,
    double: bool,
    date: bool,
    timestamp: bool,
    /// True if a header names the column, so that it is there even without a value.
    named: bool,
}

impl Default for Guess {
    fn default() -> Guess {
        Guess { seen: 0, boolean: true, bigint: true, double: true, date: true, timestamp: true, named: false }
    }
}

impl Guess {
    /// The column is there, whether it has a value or not.
    pub fn name(&mut self) {
        self.named = true;
    }

    /// Looks at one value. Null says nothing.
    pub fn see(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => {}
            Cell::Field(text) => {
                self.seen |= TEXT;
                self.field(text.trim_ascii());
            }
            Cell::String { text, .. } => {
                self.seen |= TEXT;
                (self.boolean, self.bigint, self.double) = (false, false, false);
                self.date = self.date && moment::is_plain_date(text);
                self.timestamp = self.timestamp && moment::is_plain_timestamp(text);
            }
            Cell::Scalar([b't' | b'f', ..]) => self.seen |= BOOLEAN,
            Cell::Scalar(number) => {
                self.seen |= NUMBER;
                let whole = !number.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
                self.bigint = self.bigint && whole && integer::bigint(number).is_ok();
            }
            Cell::Nested(_) => self.seen |= NESTED,
        }
    }

    fn field(&mut self, text: &[u8]) {
        self.boolean = self.boolean && boolean::is_plain(text);
        self.bigint = self.bigint && is_whole(text) && integer::bigint(text).is_ok();
        self.double = self.double && is_double(text);
        self.date = self.date && moment::is_plain_date(text);
        self.timestamp = self.timestamp && moment::is_plain_timestamp(text);
    }

    /// The type, if there is anything to tell it by. Mixed values are text, and with an array or object among them JSON.
    /// `events`: numbers are doubles and strings are text, since the next event may hold anything.
    pub fn kind(&self, events: bool) -> Option<Type> {
        Some(match self.seen {
            0 if self.named => Type::Text,
            0 => return None,
            NUMBER if self.bigint && !events => Type::Bigint,
            NUMBER => Type::Double,
            BOOLEAN => Type::Boolean,
            TEXT if !events => self.text(),
            seen if seen & NESTED != 0 => Type::Json,
            _ => Type::Text,
        })
    }

    fn text(&self) -> Type {
        let possible = [
            (self.boolean, Type::Boolean),
            (self.bigint, Type::Bigint),
            (self.double, Type::Double),
            (self.date, Type::Date),
            (self.timestamp, Type::Timestamp),
        ];
        possible.into_iter().find(|(possible, _)| *possible).map_or(Type::Text, |(_, kind)| kind)
    }
}

fn unsigned(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"-").unwrap_or(text)
}

/// A zero before other digits, or a plus, is part of a code or a telephone number, not of a number.
fn is_code(text: &[u8]) -> bool {
    matches!(unsigned(text), [b'0', b'0'..=b'9', ..]) || text.starts_with(b"+")
}

fn is_whole(text: &[u8]) -> bool {
    let digits = unsigned(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && !is_code(text)
}

/// A whole number that a double would round is no double: it is a number that somebody counts on.
fn is_double(text: &[u8]) -> bool {
    if is_code(text) {
        return false;
    }
    if is_whole(text) {
        return integer::bigint(text).is_ok_and(|value| value.unsigned_abs() <= DOUBLE_WHOLE_MAX);
    }
    double::double(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[&str], expected: Type) {
        let mut guess = Guess::default();
        values.iter().for_each(|value| guess.see(Cell::Field(value.as_bytes())));
        assert_eq!(guess.kind(false), Some(expected), "{values:?}");
    }

    #[test]
    fn fields_suggest_the_narrowest_type_that_all_fit() {
        fields(&["true", "FALSE"], Type::Boolean);
        fields(&["0", "1"], Type::Bigint);
        fields(&["t", "f"], Type::Text);
        fields(&["1", " -2 ", "9223372036854775807"], Type::Bigint);
        fields(&["1", "2.5", "1e-3", ".5", "NaN", "-inf"], Type::Double);
        fields(&["007", "123"], Type::Text);
        fields(&["+4930123"], Type::Text);
        fields(&["0.5", "0", "-0.1"], Type::Double);
        fields(&["2013-01-01"], Type::Date);
        fields(&["2013-01-01", "2013-01-01 10:00"], Type::Timestamp);
        fields(&["2013-01-01T10:00:00Z"], Type::Timestamp);
        fields(&["2012/01/01"], Type::Text);
        fields(&["1", "x"], Type::Text);
    }

    #[test]
    fn numbers_that_would_lose_digits_are_text() {
        fields(&["9223372036854775808"], Type::Text);
        fields(&["9007199254740993", "1.5"], Type::Text);
    }

    #[test]
    fn json_values_suggest_types_by_what_they_are() {
        let guess = |cells: &[Cell<'_>], events| {
            let mut guess = Guess::default();
            cells.iter().for_each(|cell| guess.see(*cell));
            guess.kind(events)
        };
        let string = |text: &'static str| Cell::String { text: text.as_bytes(), raw: b"" };
        let (one, half, yes, list) = (Cell::Scalar(b"1"), Cell::Scalar(b"0.5"), Cell::Scalar(b"true"), Cell::Nested(b"[]"));
        assert_eq!(guess(&[one, Cell::Null], false), Some(Type::Bigint));
        assert_eq!(guess(&[one], true), Some(Type::Double));
        assert_eq!(guess(&[one, half], false), Some(Type::Double));
        assert_eq!(guess(&[Cell::Scalar(b"99999999999999999999")], false), Some(Type::Double));
        assert_eq!(guess(&[yes], true), Some(Type::Boolean));
        assert_eq!(guess(&[string("2013-01-01")], false), Some(Type::Date));
        assert_eq!(guess(&[string("2013-01-01")], true), Some(Type::Text));
        assert_eq!(guess(&[string("12")], false), Some(Type::Text));
        assert_eq!(guess(&[one, string("x")], false), Some(Type::Text));
        assert_eq!(guess(&[one, yes], false), Some(Type::Text));
        assert_eq!(guess(&[list], true), Some(Type::Json));
        assert_eq!(guess(&[one, list], false), Some(Type::Json));
        assert_eq!(guess(&[Cell::Null], false), None);
    }
}
