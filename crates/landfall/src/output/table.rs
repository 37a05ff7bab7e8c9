//! A table for people: no borders, a thin line under the header, numbers to
//! the right, one line a row, cut to the terminal's width.

use comfy_table::{Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Row, Table, TableStyle, Width};

use super::Screen;

/// How a column is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// To the left, and cut where room is scarce.
    Text,
    /// To the left, and never cut: half an id or half a time is of no use.
    Whole,
    /// To the right, and never cut.
    Number,
}

/// Cells by row, under a header.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    header: Vec<(String, Layout)>,
    rows: Vec<Vec<String>>,
}

const CALM: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

/// A text column is cut to this many characters and no further; numbers, times and ids are never cut.
const NARROWEST: u16 = 20;

impl Grid {
    pub fn new(header: impl IntoIterator<Item = (String, Layout)>) -> Grid {
        Grid { header: header.into_iter().collect(), rows: Vec::new() }
    }

    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The whole table, with a line break after each line. Columns that find no room are named below it.
    pub fn render(&self, screen: Screen) -> String {
        let mut table = Table::new();
        // Text is cut where the room ends, not at the last word that fits: no cell holds this delimiter.
        table.set_delimiter('\0');
        table.load_style(CALM).set_truncation_indicator("…").set_content_arrangement(ContentArrangement::Disabled);
        if screen.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let bold = |cell: Cell| if screen.color { cell.add_attribute(Attribute::Bold) } else { cell };
        table.set_header(self.header.iter().map(|(name, layout)| bold(cell(name, *layout))));
        for row in &self.rows {
            let cells = row.iter().zip(&self.header).map(|(text, (_, layout))| cell(&one_line(text), *layout));
            let mut row = Row::from(cells.collect::<Vec<_>>());
            row.max_height(1);
            table.add_row(row);
        }
        let hidden = self.fit(&mut table, screen.width);
        let mut text: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        if !hidden.is_empty() {
            let note = format!("no room for {}: widen the terminal, or ask with -o csv", hidden.join(", "));
            text.push_str(&screen.dim(&note));
            text.push('\n');
        }
        text
    }

    /// Cuts text from the last column on until all fit; where that is not enough, the last columns are left out and
    /// their names given back.
    fn fit(&self, table: &mut Table, width: Option<u16>) -> Vec<&str> {
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let Some(width) = width else { return Vec::new() };
        let wanted = table.column_max_content_widths();
        let layouts: Vec<Layout> = self.header.iter().map(|(_, layout)| *layout).collect();
        let widths = shrink(&wanted, &layouts, width);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::MAX);
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_constraint(match widths.get(at) {
                None => ColumnConstraint::Hidden,
                Some(width) => ColumnConstraint::Absolute(Width::Fixed(width + 2)),
            });
        }
        self.header.iter().skip(widths.len()).map(|(name, _)| name.as_str()).collect()
    }
}

fn cell(text: &str, layout: Layout) -> Cell {
    let align = if layout == Layout::Number { CellAlignment::Right } else { CellAlignment::Left };
    Cell::new(text).set_alignment(align)
}

/// A row is one line, and what the terminal would obey is shown instead.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => '↵',
            '\t' => ' ',
            c if c.is_control() => '·',
            c => c,
        })
        .collect()
}

/// The widths of as many columns as fit into `room`, with two spaces behind each.
fn shrink(wanted: &[u16], layouts: &[Layout], room: u16) -> Vec<u16> {
    let total = |widths: &[u16]| widths.iter().map(|width| u32::from(*width) + 2).sum::<u32>();
    let least: Vec<u16> =
        wanted.iter().zip(layouts).map(|(width, layout)| if *layout == Layout::Text { NARROWEST.min(*width) } else { *width }).collect();
    let mut shown = wanted.len();
    while shown > 1 && total(&least[..shown]) > u32::from(room) {
        shown -= 1;
    }
    let mut widths = wanted[..shown].to_vec();
    while total(&widths) > u32::from(room) {
        let Some(at) = (0..shown).rposition(|at| widths[at] > least[at]) else { break };
        widths[at] -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new([("dataset".into(), Layout::Text), ("rows".into(), Layout::Number), ("reason".into(), Layout::Text)]);
        grid.push(vec!["orders".into(), "1,234".into(), "a short one".into()]);
        grid.push(vec!["sensor_readings".into(), "7".into(), "a much longer reason\nthat does not fit into the terminal at all".into()]);
        grid
    }

    #[test]
    fn a_table_is_calm() {
        let screen = Screen { terminal: false, color: false, width: None };
        expect![[r#"
            dataset           rows  reason
            ─────────────────────────────────────────────────────────────────────────────────────────
            orders           1,234  a short one
            sensor_readings      7  a much longer reason↵that does not fit into the terminal at all
        "#]]
        .assert_eq(&grid().render(screen));
    }

    #[test]
    fn a_table_is_cut_to_the_terminal() {
        let screen = Screen { terminal: true, color: false, width: Some(48) };
        expect![[r#"
            dataset           rows  reason
            ────────────────────────────────────────────────
            orders           1,234  a short one
            sensor_readings      7  a much longer reason↵…
        "#]]
        .assert_eq(&grid().render(screen));
        assert!(grid().render(screen).lines().all(|line| line.chars().count() <= 48));
    }

    #[test]
    fn columns_without_room_are_named() {
        let screen = Screen { terminal: true, color: false, width: Some(25) };
        expect![[r#"
            dataset           rows
            ────────────────────────
            orders           1,234
            sensor_readings      7
            no room for reason: widen the terminal, or ask with -o csv
        "#]]
        .assert_eq(&grid().render(screen));
    }

    #[test]
    fn text_gives_way_from_the_last_column_on() {
        use Layout::{Number, Text, Whole};
        assert_eq!(shrink(&[10, 40, 40], &[Text, Text, Text], 80), [10, 40, 24]);
        assert_eq!(shrink(&[10, 40, 40], &[Text, Text, Text], 60), [10, 24, 20]);
        assert_eq!(shrink(&[30, 10, 40, 19], &[Whole, Number, Text, Whole], 70), [30, 10, 24]);
        assert_eq!(shrink(&[90], &[Whole], 70), [90]);
    }
}
