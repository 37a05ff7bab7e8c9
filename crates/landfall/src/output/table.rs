//! A table for people: no borders, a thin line under the header, numbers to
//! the right, one line a row, cut to the terminal's width.

use comfy_table::{Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Row, Table, TableStyle, Width};

use super::Screen;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Cells by row, under a header.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    header: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

const CALM: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

/// No column is cut to fewer characters than this.
const NARROWEST: u16 = 6;

impl Grid {
    pub fn new(header: impl IntoIterator<Item = (String, Align)>) -> Grid {
        Grid { header: header.into_iter().collect(), rows: Vec::new() }
    }

    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// The whole table, with a line break after each line.
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
        table.set_header(self.header.iter().map(|(name, align)| {
            let cell = cell(name, *align);
            if screen.color { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        for row in &self.rows {
            let cells = row.iter().zip(&self.header).map(|(text, (_, align))| cell(&one_line(text), *align));
            let mut row = Row::from(cells.collect::<Vec<_>>());
            row.max_height(1);
            table.add_row(row);
        }
        self.fit(&mut table, screen.width);
        let text: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        text
    }

    /// Takes width from the widest columns until all fit.
    fn fit(&self, table: &mut Table, width: Option<u16>) {
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let Some(width) = width else { return };
        let wanted = table.column_max_content_widths();
        let room = width.saturating_sub(u16::try_from(wanted.len()).unwrap_or(u16::MAX).saturating_mul(2));
        let widths = shrink(wanted.clone(), room);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::MAX);
        for ((column, width), wanted) in table.column_iter_mut().zip(widths).zip(wanted) {
            if width < wanted {
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + 2)));
            } else {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
}

fn cell(text: &str, align: Align) -> Cell {
    let align = if align == Align::Right { CellAlignment::Right } else { CellAlignment::Left };
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

fn shrink(mut widths: Vec<u16>, room: u16) -> Vec<u16> {
    let total = |widths: &[u16]| widths.iter().map(|width| u32::from(*width)).sum::<u32>();
    while total(&widths) > u32::from(room) {
        let widest = widths.iter().copied().max().unwrap_or(0);
        if widest <= NARROWEST {
            break;
        }
        // The last of the widest: what identifies a row mostly stands first.
        if let Some(at) = widths.iter().rposition(|width| *width == widest) {
            widths[at] -= 1;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new([("dataset".into(), Align::Left), ("rows".into(), Align::Right), ("reason".into(), Align::Left)]);
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
    fn the_widest_columns_give_way_first() {
        assert_eq!(shrink(vec![10, 40, 40], 60), [10, 25, 25]);
        assert_eq!(shrink(vec![10, 10], 4), [6, 6]);
    }
}
