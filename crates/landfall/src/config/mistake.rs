//! Mistakes in configuration: all of them at once, each with its file, line
//! and column, the rule, and the mend.

use std::fmt::Write;

use super::source::{Origin, SourceFile};

/// One mistake.
#[derive(Clone, Debug)]
pub struct Mistake {
    pub origin: Origin,
    pub message: String,
}

/// Every mistake of one reading, with the files to show them in.
#[derive(Clone, Debug, Default)]
pub struct Mistakes {
    pub files: Vec<SourceFile>,
    pub list: Vec<Mistake>,
}

impl Mistakes {
    /// Adds one; whatever its message is made of, it is one line.
    pub fn add(&mut self, origin: &Origin, message: impl Into<String>) {
        let message = message.into().replace('\n', " ");
        self.list.push(Mistake { origin: origin.clone(), message });
    }

    /// One line a mistake, in the order of the files; with `quote`, the source line and a caret under each.
    pub fn render(&self, quote: bool) -> String {
        let mut sorted: Vec<&Mistake> = self.list.iter().collect();
        sorted.sort_by_key(|mistake| match &mistake.origin {
            Origin::File { file, span } => (*file, span.start),
            Origin::Named(_) => (usize::MAX, 0),
        });
        let mut text = String::new();
        for mistake in sorted {
            self.render_one(&mut text, mistake, quote);
        }
        text
    }

    fn render_one(&self, text: &mut String, mistake: &Mistake, quote: bool) {
        // Writing to a string cannot fail.
        let _ = match &mistake.origin {
            Origin::Named(name) => writeln!(text, "{name}: {}", mistake.message),
            Origin::File { file, span } => {
                let Some(file) = self.files.get(*file) else { return };
                let at = file.position(span.start);
                let head = writeln!(text, "{}:{}:{}: {}", file.path, at.line, at.column, mistake.message);
                if quote { head.and_then(|()| write_quote(text, file, at.line, at.column, span.len())) } else { head }
            }
        };
    }
}

fn write_quote(text: &mut String, file: &SourceFile, line: usize, column: usize, length: usize) -> std::fmt::Result {
    let source = file.line(line).replace('\t', " ");
    let left = source.chars().count().saturating_sub(column - 1).max(1);
    let carets = "^".repeat(length.clamp(1, left));
    let number = line.to_string();
    writeln!(text, "  {number} | {source}")?;
    writeln!(text, "  {} | {}{carets}", " ".repeat(number.len()), " ".repeat(column - 1))
}

/// The candidate that `word` is most likely a slip of, if any is near enough.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    let (near, candidate) = candidates.into_iter().map(|candidate| (distance(candidate), candidate)).min()?;
    (near <= allowed).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        let words = ["retention", "columns", "csv"];
        assert_eq!(did_you_mean("retenton", words), Some("retention"));
        assert_eq!(did_you_mean("colums", words), Some("columns"));
        assert_eq!(did_you_mean("xyz", words), None);
    }
}
