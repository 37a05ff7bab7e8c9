//! The report: Markdown between two markers of docs/benchmarks.md, so that prose beside it is never touched.

use std::path::Path;

use anyhow::{Context, Result, bail};

const FILE: &str = "docs/benchmarks.md";

/// A Markdown table: the first column to the left, the others to the right.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(head: Vec<String>) -> Table {
        Table { head, rows: Vec::new() }
    }

    /// A row with fewer cells than the head ends in empty ones.
    pub fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.head.len(), String::new());
        self.rows.push(cells);
    }

    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut rule = vec!["---:".to_owned(); self.head.len()];
        rule[0] = "---".into();
        let mut text = line(&self.head) + &line(&rule);
        for row in &self.rows {
            text += &line(row);
        }
        text
    }
}

/// Prints `body` and keeps it in docs/benchmarks.md, in the place of the last run of `name`.
pub fn keep(name: &str, body: &str) -> Result<()> {
    println!("{body}");
    let path = Path::new(FILE);
    let old = std::fs::read_to_string(path).with_context(|| FILE.to_owned())?;
    std::fs::write(path, replace(&old, name, body)?).with_context(|| FILE.to_owned())
}

fn replace(text: &str, name: &str, body: &str) -> Result<String> {
    let (start, end) = (format!("<!-- bench:{name} -->\n"), format!("<!-- /bench:{name} -->"));
    let (Some(from), Some(to)) = (text.find(&start), text.find(&end)) else {
        bail!("{FILE} has no `{}` and `{end}`", start.trim_end());
    };
    let from = from + start.len();
    if to < from {
        bail!("{FILE}: `{end}` comes first");
    }
    Ok(format!("{}\n{}\n\n{}", &text[..from], body.trim_end(), &text[to..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_part_is_replaced() {
        let text = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\n<!-- /bench:y -->\n";
        let once = replace(text, "x", "new\n").unwrap();
        assert_eq!(once, "a\n<!-- bench:x -->\n\nnew\n\n<!-- /bench:x -->\nb\n<!-- bench:y -->\n<!-- /bench:y -->\n");
        assert_eq!(replace(&once, "x", "new").unwrap(), once);
        assert!(replace(text, "z", "new").is_err());
    }

    #[test]
    fn a_table_is_as_wide_as_its_head() {
        let mut table = Table::new(vec!["case".into(), "a".into(), "b".into()]);
        table.row(vec!["one".into(), "1".into()]);
        assert_eq!(table.markdown(), "| case | a | b |\n| --- | ---: | ---: |\n| one | 1 |  |\n");
    }
}
