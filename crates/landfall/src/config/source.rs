//! The files that configuration was read from, kept so that every mistake can
//! be shown where it stands.

use std::ops::Range;

/// One file that was read: its path as the user would write it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Bytes of the file at this index of the list of files.
    File { file: usize, span: Range<usize> },
    /// The environment variable or the option of this name.
    Named(String),
}

/// A place as people count: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl SourceFile {
    pub fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
    }

    /// The text of a line, counted from 1.
    pub fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number.saturating_sub(1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let file = SourceFile { path: "a.toml".into(), text: "x = 1\nö = \"ü\"\n".into() };
        assert_eq!(file.position(0), Position { line: 1, column: 1 });
        let offset = file.text.find("\"ü").unwrap();
        assert_eq!(file.position(offset), Position { line: 2, column: 5 });
        assert_eq!(file.line(2), "ö = \"ü\"");
    }
}
