//! Reads the configuration file and the files in `datasets/` beside it into
//! one tree. A file there holds one dataset: its keys as they are, and then the
//! file's name without `.toml` names it, or one `[datasets.NAME]`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use toml::de::DeTable;

use super::interpolate::{Lookup, interpolate};
use super::mistake::Mistakes;
use super::source::{Origin, SourceFile};
use super::tree::{self, Entry, Node, Table, Value};

/// What is read when no other file is named; it need not exist.
pub const DEFAULT_PATH: &str = "landfall.toml";

/// The tree of `path` and of the files beside it; `None` takes the default file, if there is one.
pub fn read(path: Option<&Path>, env: Lookup<'_>, mistakes: &mut Mistakes) -> Table {
    let main = path.unwrap_or(Path::new(DEFAULT_PATH));
    let mut root = match fs::read_to_string(main) {
        Ok(text) => parse(main, text, env, mistakes).0,
        Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => Table::default(),
        Err(error) => {
            mistakes.add(&Origin::Named(main.display().to_string()), format!("cannot be read: {error}"));
            Table::default()
        }
    };
    for path in dataset_files(main, mistakes) {
        match fs::read_to_string(&path) {
            Ok(text) => add_dataset(&mut root, &path, text, env, mistakes),
            Err(error) => mistakes.add(&Origin::Named(path.display().to_string()), format!("cannot be read: {error}")),
        }
    }
    root
}

fn dataset_files(main: &Path, mistakes: &mut Mistakes) -> Vec<PathBuf> {
    let folder = main.with_file_name("datasets");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            mistakes.add(&Origin::Named(folder.display().to_string()), format!("cannot be read: {error}"));
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    paths.sort();
    paths
}

/// The tree of one file, and the file's index; what does not parse is reported and left out.
fn parse(path: &Path, text: String, env: Lookup<'_>, mistakes: &mut Mistakes) -> (Table, usize) {
    let index = mistakes.files.len();
    let file = SourceFile { path: path.display().to_string(), text };
    mistakes.files.push(file.clone());
    let (parsed, errors) = DeTable::parse_recoverable(&file.text);
    for error in &errors {
        let span = error.span().unwrap_or_default();
        mistakes.add(&Origin::File { file: index, span }, error.message().trim());
    }
    if !errors.is_empty() {
        // What was understood of a file that does not parse would only be told off for what is missing.
        return (Table::default(), index);
    }
    let mut table = tree::table(parsed.get_ref(), index);
    interpolate(&mut table, &file, env, mistakes);
    (table, index)
}

fn add_dataset(root: &mut Table, path: &Path, text: String, env: Lookup<'_>, mistakes: &mut Mistakes) {
    let (table, file) = parse(path, text, env, mistakes);
    let start = Origin::File { file, span: 0..0 };
    let Some(entry) = the_one_dataset(table, path, &start, mistakes) else { return };
    let datasets = root.entry("datasets", &start, || Value::Table(Table::default()));
    let Value::Table(datasets) = &mut datasets.value else { return };
    if let Some(other) = datasets.get(&entry.key) {
        let message = format!("the dataset `{}` is declared already, at {}", entry.key, describe(&other.origin, mistakes));
        mistakes.add(&entry.origin, message);
        return;
    }
    datasets.0.push(entry);
}

fn the_one_dataset(mut table: Table, path: &Path, start: &Origin, mistakes: &mut Mistakes) -> Option<Entry> {
    let Some(at) = table.0.iter().position(|entry| entry.key == "datasets") else {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let node = Node { value: Value::Table(table), origin: start.clone() };
        return Some(Entry { key: stem, origin: start.clone(), node });
    };
    let named = table.0.remove(at);
    for other in &table.0 {
        mistakes
            .add(&other.origin, format!("`{}` stands outside the dataset: a file in `datasets/` holds one dataset and no more", other.key));
    }
    let Value::Table(Table(mut inside)) = named.node.value else {
        mistakes.add(&named.node.origin, "`datasets` must be a table");
        return None;
    };
    for extra in inside.iter().skip(1) {
        mistakes.add(&extra.origin, format!("`{}` is a second dataset: a file in `datasets/` holds one", extra.key));
    }
    inside.truncate(1);
    inside.pop()
}

fn describe(origin: &Origin, mistakes: &Mistakes) -> String {
    match origin {
        Origin::Named(name) => name.clone(),
        Origin::File { file, span } => mistakes.files.get(*file).map_or_else(String::new, |source| {
            let at = source.position(span.start);
            format!("{}:{}:{}", source.path, at.line, at.column)
        }),
    }
}
