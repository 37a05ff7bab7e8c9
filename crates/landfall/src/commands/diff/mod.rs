//! `landfall diff A B`: what would change if the rows of A were those of B. The
//! server counts; only the counts and a few examples come here.

mod statement;

use serde_json::{Value as Json, json};

use super::arguments::Diff;
use super::sql::{Answer, query};
use super::{Client, Failure};
use crate::output::{Column, Format, Grid, Kind, Layout, Listing, Screen, count};
use landfall_model::DatasetName;
use statement::{Columns, Side, literal};

/// How many rows changed, were added, are gone, and did not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub unchanged: i64,
    pub changed: i64,
    pub added: i64,
    pub gone: i64,
}

/// One record whose rows differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    landing: String,
    /// Of a row of an event.
    event: Option<String>,
    /// Of a row of a file.
    line: Option<i64>,
    counts: Counts,
    /// Which columns changed, from what and to what, where the record is one row on both sides.
    what: Vec<(String, Json, Json)>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Difference {
    a: Side,
    b: Side,
    pub columns: Columns,
    pub counts: Counts,
    pub examples: Vec<Example>,
}

pub async fn print(client: &Client, diff: &Diff, screen: Screen) -> Result<(), Failure> {
    let found = compare(client, &diff.a, &diff.b, usize::from(diff.examples)).await?;
    match diff.output.output {
        Format::Table => found.show(screen)?,
        Format::Json => screen.line(&serde_json::to_string_pretty(&found.json()).unwrap_or_default())?,
        Format::Csv => found.listing().print(screen, Format::Csv)?,
    }
    if diff.exit_code && found.counts.differ() { Err(Failure::said()) } else { Ok(()) }
}

/// Compares the tables `a` and `b`, and looks at up to `examples` of the records that differ.
pub async fn compare(client: &Client, a: &str, b: &str, examples: usize) -> Result<Difference, Failure> {
    let (a, b) = (side(client, a).await?, side(client, b).await?);
    let columns = Columns::of(&a, &b);
    let answer = query(client, &statement::counts(&a, &b, &columns)).await?;
    let row = answer.rows.first().ok_or_else(|| Failure::no("the server counted nothing"))?;
    let at = |place: usize| row.get(place).map_or(0, number);
    let counts = Counts { unchanged: at(0), changed: at(1), added: at(2), gone: at(3) };
    let mut found = Difference { a, b, columns, counts, examples: Vec::new() };
    if examples > 0 && counts.differ() {
        found.examples = look(client, &found, examples).await?;
    }
    Ok(found)
}

/// A table with its columns and, if a replay made it, the window of that.
async fn side(client: &Client, name: &str) -> Result<Side, Failure> {
    name.parse::<DatasetName>().map_err(|why| Failure::usage(format!("`{name}` is not the name of a table: {why}")))?;
    let columns = query(client, &format!("select * from \"{name}\" limit 0")).await?.columns;
    let own = columns.into_iter().map(|column| (column.name, column.kind));
    let own = own.filter(|(name, _)| !landfall_model::Columns::SYSTEM.contains(&name.as_str())).collect();
    let name_is = literal(name);
    let sql = format!(
        "select r.window_from, r.window_to from landfall.datasets d left join landfall.replays r on r.into_table = d.dataset \
         and r.state = 'done' and r.replay >= d.made_by where d.dataset = {name_is} and d.beside is not null order by r.updated_at desc nulls last limit 1"
    );
    // Replays into a table of that name that was dropped have smaller ids than the one that made this table.
    let window = match query(client, &sql).await?.rows.into_iter().next() {
        None => None,
        Some(row) => match (row.first().and_then(Json::as_str), row.get(1).and_then(Json::as_str)) {
            (Some(from), Some(to)) => Some((from.to_owned(), to.to_owned())),
            _ => {
                return Err(Failure::no(format!(
                    "`{name}` is empty: no replay into it is done yet; `landfall replays` tells how far it is"
                )));
            }
        },
    };
    Ok(Side { table: name.to_owned(), columns: own, window })
}

async fn look(client: &Client, found: &Difference, limit: usize) -> Result<Vec<Example>, Failure> {
    let answer = query(client, &statement::examples(&found.a, &found.b, &found.columns, limit)).await?;
    let mut examples = Vec::with_capacity(answer.rows.len());
    for row in &answer.rows {
        let at = |place: usize| row.get(place).map_or(0, number);
        let text = |place: usize| row.get(place).and_then(Json::as_str).map(str::to_owned);
        let counts = Counts { unchanged: 0, changed: at(3), added: at(4), gone: at(5) };
        let line = row.get(2).filter(|line| !line.is_null()).map(number);
        let mut example = Example { landing: text(0).unwrap_or_default(), event: text(1), line, counts, what: Vec::new() };
        if counts == (Counts { changed: 1, ..Counts::default() }) {
            example.what = what_changed(client, found, &example).await?;
        }
        examples.push(example);
    }
    Ok(examples)
}

/// The columns in which the two rows of a record differ; none where it has more rows than that.
async fn what_changed(client: &Client, found: &Difference, example: &Example) -> Result<Vec<(String, Json, Json)>, Failure> {
    let is = |column: &str, value: Option<String>| value.map_or(format!("{column} is null"), |value| format!("{column} = {value}"));
    let of = [
        is("_landing", Some(literal(&example.landing))),
        is("_event", example.event.as_deref().map(literal)),
        is("_line", example.line.map(|line| line.to_string())),
    ];
    let rows = async |side: &Side| query(client, &format!("select * from \"{}\" where {} limit 2", side.table, of.join(" and "))).await;
    let (a, b) = (rows(&found.a).await?, rows(&found.b).await?);
    if a.rows.len() != 1 || b.rows.len() != 1 {
        return Ok(Vec::new());
    }
    let value = |answer: &Answer, name: &str| {
        let place = answer.columns.iter().position(|column| column.name == name);
        place.and_then(|place| answer.rows.first()?.get(place)).cloned().unwrap_or(Json::Null)
    };
    let names = found.a.columns.iter().chain(&found.b.columns).map(|(name, _)| name);
    let mut changed: Vec<(String, Json, Json)> = Vec::new();
    for name in names {
        let (old, new) = (value(&a, name), value(&b, name));
        if old != new && !changed.iter().any(|(known, ..)| known == name) {
            changed.push((name.clone(), old, new));
        }
    }
    Ok(changed)
}

/// Whole numbers beyond 2^53 come as text.
fn number(value: &Json) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
}

fn plain(value: &Json) -> String {
    match value {
        Json::Null => "-".into(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl Counts {
    pub fn differ(&self) -> bool {
        self.changed + self.added + self.gone > 0
    }
}

impl Example {
    /// `changed`, `added`, `gone`, or what of it is how many rows.
    fn change(&self) -> String {
        let Counts { changed, added, gone, .. } = self.counts;
        let parts = [("changed", changed), ("added", added), ("gone", gone)].into_iter().filter(|(_, rows)| *rows > 0);
        parts.map(|(word, rows)| if rows == 1 { word.to_owned() } else { format!("{rows} {word}") }).collect::<Vec<_>>().join(", ")
    }

    fn place(&self) -> String {
        self.event.clone().or_else(|| self.line.map(|line| format!("line {line}"))).unwrap_or_default()
    }

    fn json(&self) -> Json {
        let Counts { changed, added, gone, .. } = self.counts;
        let what: Vec<_> = self.what.iter().map(|(column, a, b)| json!({ "column": column, "a": a, "b": b })).collect();
        json!({ "landing": self.landing, "event": self.event, "line": self.line, "changed": changed, "added": added, "gone": gone, "columns": what })
    }
}

impl Difference {
    fn lines(&self) -> [(&'static str, i64); 4] {
        let Counts { unchanged, changed, added, gone } = self.counts;
        [("unchanged", unchanged), ("changed", changed), ("added", added), ("gone", gone)]
    }

    fn show(&self, screen: Screen) -> Result<(), Failure> {
        let mut grid =
            Grid::new([("rows".to_owned(), Layout::Whole), ("how many".to_owned(), Layout::Number), (String::new(), Layout::Text)]);
        let (a, b) = (&self.a.table, &self.b.table);
        let said = [
            "the same in both".to_owned(),
            format!("in {b} with other values than in {a}"),
            format!("only in {b}"),
            format!("only in {a}"),
        ];
        for ((word, rows), said) in self.lines().into_iter().zip(said) {
            grid.push(vec![word.to_owned(), count(rows), said]);
        }
        screen.text(&grid.render(screen))?;
        for note in self.notes() {
            screen.line(&note)?;
        }
        if self.examples.is_empty() {
            return Ok(());
        }
        let head = [("example", Layout::Whole), ("landing", Layout::Whole), ("event or line", Layout::Whole), ("what", Layout::Text)];
        let mut grid = Grid::new(head.map(|(name, layout)| (name.to_owned(), layout)));
        for example in &self.examples {
            let what = example.what.iter().map(|(column, a, b)| format!("{column}: {} → {}", plain(a), plain(b))).collect::<Vec<_>>();
            grid.push(vec![example.change(), example.landing.clone(), example.place(), what.join("; ")]);
        }
        screen.text(&format!("\n{}", grid.render(screen)))
    }

    /// What is to be known of the columns and the window.
    fn notes(&self) -> Vec<String> {
        let Columns { only_a, only_b, retyped, .. } = &self.columns;
        let mut notes = Vec::new();
        for (table, only) in [(&self.a.table, only_a), (&self.b.table, only_b)] {
            if !only.is_empty() {
                notes.push(format!("only {table} has the columns: {}", only.join(", ")));
            }
        }
        for (column, a, b) in retyped {
            notes.push(format!("the column {column} is {a} in {} and {b} in {}: compared as text", self.a.table, self.b.table));
        }
        for side in [&self.a, &self.b] {
            if let Some((from, to)) = &side.window {
                let since = if from.starts_with("1970-01-01") { String::new() } else { format!("from {from} on and ") };
                notes.push(format!("{} holds what was received {since}before {to}; other rows are not compared", side.table));
            }
        }
        notes
    }

    fn json(&self) -> Json {
        let Counts { unchanged, changed, added, gone } = self.counts;
        let Columns { only_a, only_b, retyped, .. } = &self.columns;
        let window = |side: &Side| side.window.as_ref().map(|(from, to)| json!({ "from": from, "to": to }));
        let retyped: Vec<_> = retyped.iter().map(|(column, a, b)| json!({ "column": column, "a": a, "b": b })).collect();
        json!({
            "a": { "table": self.a.table, "window": window(&self.a), "only_columns": only_a },
            "b": { "table": self.b.table, "window": window(&self.b), "only_columns": only_b },
            "other_types": retyped,
            "unchanged": unchanged, "changed": changed, "added": added, "gone": gone,
            "examples": self.examples.iter().map(Example::json).collect::<Vec<_>>(),
        })
    }

    fn listing(&self) -> Listing<'static> {
        const COLUMNS: &[Column] = &[Column::new("rows", "rows", Kind::Id), Column::new("how many", "count", Kind::Count)];
        let items = self.lines().map(|(word, rows)| json!({ "rows": word, "count": rows })).to_vec();
        Listing { columns: COLUMNS, items, empty: "" }
    }
}
