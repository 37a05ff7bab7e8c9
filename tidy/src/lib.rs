//! What `tests/tidy.rs` reads the repository with: its files, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file of the repository.
pub struct Source {
    /// Relative to the repository's root, with `/`.
    pub path: String,
    pub text: String,
}

/// The repository's root.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}

/// Every file below `folder` whose name ends in one of `endings`, in order of path; build output and hidden folders are left out.
pub fn sources(folder: &str, endings: &[&str]) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    walk(&root.join(folder), &mut |path| {
        let relative = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        if endings.iter().any(|ending| relative.ends_with(ending))
            && let Ok(text) = fs::read_to_string(path)
        {
            found.push(Source { path: relative, text });
        }
    });
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "target" || name == "node_modules" || name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        if path.is_dir() {
            walk(&path, visit);
        } else {
            visit(&path);
        }
    }
}

/// Lines of a Rust file before its unit tests.
pub fn production_lines(text: &str) -> usize {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
}

/// The longest function of a Rust file formatted by rustfmt: its name and its number of lines.
pub fn longest_function(text: &str) -> Option<(String, usize)> {
    let mut open: Vec<(String, usize, usize)> = Vec::new();
    let mut longest: Option<(String, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let trimmed = line.trim_start();
        if let Some(name) = function_name(trimmed) {
            open.push((name, number, indent));
        }
        if trimmed.starts_with('}')
            && let Some(place) = open.iter().rposition(|(_, _, at)| *at == indent)
        {
            let (name, start, _) = open.remove(place);
            open.truncate(place);
            let lines = number - start + 1;
            if longest.as_ref().is_none_or(|(_, most)| lines > *most) {
                longest = Some((name, lines));
            }
        }
    }
    longest
}

fn function_name(line: &str) -> Option<String> {
    let mut rest = line;
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    let one_line = line.ends_with('}') || line.ends_with(';');
    (!one_line).then(|| name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_their_name_to_their_brace() {
        let text = "fn a() {\n    x();\n}\n\nimpl B {\n    pub async fn c(&self) {\n        y();\n        z();\n    }\n}\n";
        assert_eq!(longest_function(text), Some(("c".into(), 4)));
    }

    #[test]
    fn unit_tests_are_not_counted() {
        assert_eq!(production_lines("a\nb\n#[cfg(test)]\nmod tests {}\n"), 2);
    }
}
