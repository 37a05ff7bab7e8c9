//! The environment overrides the file: `LANDFALL_DATA`, and `LANDFALL_` with
//! the path of a setting, its parts joined by `__`. Other `LANDFALL_` names
//! belong to other parts of the program; one with `__` that names no setting
//! is a mistake.

use toml::de::DeTable;

use super::mistake::{Mistakes, did_you_mean};
use super::shape::{Shape, Shapes};
use super::source::Origin;
use super::tree::{self, Node, Table, Value};

const PREFIX: &str = "LANDFALL_";

/// Settings outside all sections that may be set without `__`: their names are taken by nothing else.
const SINGLE: &[&str] = &["data", "region", "public_url"];

/// Puts what `env` says into `root`.
pub fn apply(root: &mut Table, env: &[(String, String)], shapes: &Shapes, mistakes: &mut Mistakes) {
    for (name, text) in env {
        let Some(path) = path_of(name) else { continue };
        let origin = Origin::Named(name.clone());
        match shapes.at(&path).map(|schema| shapes.of(schema)) {
            None => mistakes.add(&origin, unknown(name, &path, shapes)),
            Some(shape) => match value(&shape, text) {
                Ok(value) => set(root, &path, value, &origin),
                Err(message) => mistakes.add(&origin, message),
            },
        }
    }
}

/// Puts one value in, whatever the files say.
pub fn set(root: &mut Table, path: &[String], value: Value, origin: &Origin) {
    let Some((first, rest)) = path.split_first() else { return };
    let node = root.entry(first, origin, || Value::Table(Table::default()));
    if rest.is_empty() {
        *node = Node { value, origin: origin.clone() };
        return;
    }
    if !matches!(node.value, Value::Table(_)) {
        node.value = Value::Table(Table::default());
    }
    if let Value::Table(table) = &mut node.value {
        set(table, rest, value, origin);
    }
}

/// The setting that a variable names, or none if the variable is not configuration.
fn path_of(name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix(PREFIX)?;
    let path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
    (path.len() > 1 || SINGLE.contains(&path[0].as_str())).then_some(path)
}

/// Text stays text; anything else is written as in the file.
fn value(shape: &Shape<'_>, text: &str) -> Result<Value, String> {
    if matches!(shape, Shape::Text { .. }) {
        return Ok(Value::Text(text.to_owned()));
    }
    let document = format!("value = {text}");
    let parsed = DeTable::parse(&document).map_err(|error| format!("{text:?} does not read as TOML: {}", error.message()))?;
    let mut entries = tree::table(parsed.get_ref(), 0).0;
    match (entries.pop(), entries.is_empty()) {
        (Some(entry), true) => Ok(entry.node.value),
        _ => Err(format!("{text:?} must be one value, written as in the file")),
    }
}

fn unknown(name: &str, path: &[String], shapes: &Shapes) -> String {
    let mut fixed: Vec<String> = Vec::new();
    for key in path {
        let known: Vec<String> = match shapes.at(&fixed).map(|schema| shapes.of(schema)) {
            Some(Shape::Table { keys: Some(keys), .. }) => keys.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let word = did_you_mean(key, known.iter().map(String::as_str)).map_or_else(|| key.clone(), str::to_owned);
        fixed.push(word);
    }
    let suggestion = format!("{PREFIX}{}", fixed.join("__").to_uppercase());
    if suggestion != name && shapes.at(&fixed).is_some() {
        return format!("names no setting; did you mean {suggestion}?");
    }
    format!("names no setting: there is no `{}` in the configuration; unset it", path.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_and_the_top_are_configuration() {
        assert_eq!(path_of("LANDFALL_DATA"), Some(vec!["data".to_owned()]));
        assert_eq!(path_of("LANDFALL_CATALOG__URL"), Some(vec!["catalog".to_owned(), "url".to_owned()]));
        for other in ["LANDFALL_URL", "LANDFALL_TOKEN", "LANDFALL_ADMIN_KEY", "LANDFALL_MASTER_KEY", "LANDFALL_CRASH_AT", "HOME"] {
            assert_eq!(path_of(other), None, "{other}");
        }
    }

    #[test]
    fn values_are_text_or_toml() {
        assert!(matches!(value(&Shape::Boolean, "true"), Ok(Value::Boolean(true))));
        assert!(value(&Shape::Boolean, "maybe").is_err());
        assert!(value(&Shape::Boolean, "1\nb = 2").is_err());
    }
}
