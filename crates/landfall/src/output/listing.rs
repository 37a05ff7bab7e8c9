//! A list of the API's items, as a table, as JSON or as CSV.

use serde_json::Value as Json;

use super::Screen;
use super::csv::csv_line;
use super::table::{Grid, Layout};
use super::values::{count, short_time, size};
use crate::commands::Failure;

/// `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: chosen columns, cut to the terminal.
    #[default]
    Table,
    /// The items as the API gives them, as one array.
    Json,
    /// All fields, after RFC 4180.
    Csv,
}

/// One column of a table: a field of the items, and how it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub head: &'static str,
    /// The field, or a path into it with `/`.
    pub field: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Short, and of no use when it is cut.
    Id,
    Count,
    Size,
    Time,
    /// Of a list: how many items it has.
    Length,
}

impl Column {
    pub const fn new(head: &'static str, field: &'static str, kind: Kind) -> Column {
        Column { head, field, kind }
    }
}

/// The items that were fetched.
pub struct Listing<'a> {
    pub columns: &'a [Column],
    pub items: Vec<Json>,
    /// Said instead of an empty table.
    pub empty: &'a str,
}

impl Listing<'_> {
    pub fn print(&self, screen: Screen, format: Format) -> Result<(), Failure> {
        match format {
            Format::Table if self.items.is_empty() => {
                screen.note(self.empty);
                Ok(())
            }
            Format::Table => screen.text(&self.table().render(screen)),
            Format::Json => screen.line(&serde_json::to_string_pretty(&self.items).unwrap_or_default()),
            Format::Csv => screen.text(&self.csv()),
        }
    }

    pub fn table(&self) -> Grid {
        let layout = |kind| match kind {
            Kind::Text => Layout::Text,
            Kind::Id | Kind::Time => Layout::Whole,
            Kind::Count | Kind::Size | Kind::Length => Layout::Number,
        };
        let mut grid = Grid::new(self.columns.iter().map(|column| (column.head.to_owned(), layout(column.kind))));
        for item in &self.items {
            grid.push(self.columns.iter().map(|column| show(field(item, column.field), column.kind)).collect());
        }
        grid
    }

    /// The table's fields first, then all others that any item has, by name.
    fn csv(&self) -> String {
        let mut names: Vec<&str> = self.columns.iter().map(|column| column.field).filter(|field| !field.contains('/')).collect();
        let mut others: Vec<&str> =
            self.items.iter().filter_map(Json::as_object).flat_map(|item| item.keys()).map(String::as_str).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|other| !names.contains(other));
        names.extend(others);
        let mut text = csv_line(names.iter().copied());
        for item in &self.items {
            let values: Vec<String> = names.iter().map(|name| plain(item.get(name))).collect();
            text.push_str(&csv_line(values.iter().map(String::as_str)));
        }
        text
    }
}

fn field<'a>(item: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('/').try_fold(item, |value, key| value.get(key))
}

/// A value as a program reads it.
fn plain(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A value as a person reads it.
fn show(value: Option<&Json>, kind: Kind) -> String {
    match (value, kind) {
        (None | Some(Json::Null), _) => "-".into(),
        (Some(Json::String(text)), Kind::Time) => short_time(text),
        (Some(Json::Number(number)), Kind::Count) => number.as_i64().map_or_else(|| number.to_string(), count),
        (Some(Json::Number(number)), Kind::Size) => number.as_i64().map_or_else(|| number.to_string(), size),
        (Some(Json::Array(items)), Kind::Length) => items.len().to_string(),
        (Some(Json::Array(items)), _) => items.iter().map(|item| show(Some(item), Kind::Text)).collect::<Vec<_>>().join(" "),
        (value, _) => plain(value),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn items_become_columns() {
        let listing = Listing {
            columns: &[
                Column::new("dataset", "dataset", Kind::Text),
                Column::new("size", "size", Kind::Size),
                Column::new("records", "counts/records", Kind::Count),
                Column::new("received", "received_at", Kind::Time),
            ],
            items: vec![
                json!({"dataset": "orders", "size": 1_234_567, "counts": {"records": 4_200}, "received_at": "2026-11-21T06:14:09.123456Z", "key": null}),
                json!({"dataset": "b,c", "size": null, "counts": null, "received_at": null, "key": "x.csv"}),
            ],
            empty: "",
        };
        let screen = Screen { terminal: false, color: false, width: None };
        expect![[r#"
            dataset    size  records  received
            ───────────────────────────────────────────────
            orders   1.2 MB    4,200  2026-11-21 06:14:09
            b,c           -        -  -
        "#]]
        .assert_eq(&listing.table().render(screen));
        expect![[r#"
            dataset,size,received_at,counts,key
            orders,1234567,2026-11-21T06:14:09.123456Z,"{""records"":4200}",
            "b,c",,,,x.csv
        "#]]
        .assert_eq(&listing.csv().replace('\r', ""));
    }
}
