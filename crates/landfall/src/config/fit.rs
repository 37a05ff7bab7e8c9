//! Fits a tree to the shape of the file: unknown keys, wrong kinds of value
//! and words that are not allowed are reported and taken out, all in one walk,
//! so that what is left always reads.

use serde_json::Value as Json;

use super::mistake::{Mistakes, did_you_mean};
use super::shape::{Shape, Shapes, flaw_of_text};
use super::source::Origin;
use super::tree::{Entry, Node, Table, Value};
use super::unbuilt;

pub struct Fit<'a> {
    shapes: &'a Shapes,
    mistakes: &'a mut Mistakes,
    /// The tables around what is looked at.
    path: Vec<String>,
}

/// Leaves in `root` only what the file may hold.
pub fn fit(root: &mut Node, shapes: &Shapes, mistakes: &mut Mistakes) {
    Fit { shapes, mistakes, path: Vec::new() }.node("", root, shapes.root());
}

impl Fit<'_> {
    /// True if the value may stay.
    fn node(&mut self, key: &str, node: &mut Node, schema: &Json) -> bool {
        let origin = node.origin.clone();
        match (self.shapes.of(schema), &mut node.value) {
            (Shape::Table { keys, others, required }, Value::Table(table)) => {
                self.missing(key, &origin, table, &required);
                self.table(table, |key| keys.and_then(|keys| keys.get(key)).or(others));
                required.iter().all(|name| table.get(name).is_some())
            }
            (Shape::List(item), Value::List(items)) => {
                let before = items.len();
                items.retain_mut(|node| self.node(key, node, item));
                // A list that lost everything would be told off for being empty.
                before == 0 || !items.is_empty()
            }
            (Shape::Boolean, Value::Boolean(_)) | (Shape::Integer, Value::Integer(_)) => true,
            (Shape::Text { name, choices, one_character }, Value::Text(text)) => {
                let flaw = flaw_of_choice(key, text, name, &choices, one_character);
                flaw.inspect(|message| self.mistakes.add(&origin, message)).is_none()
            }
            (shape, _) => {
                let message = format!("`{key}`{} must be {}, not {}", self.place(), what(&shape), node.what());
                self.mistakes.add(&origin, message);
                false
            }
        }
    }

    fn table<'s>(&mut self, table: &mut Table, find: impl Fn(&str) -> Option<&'s Json>) {
        let known = self.known();
        table.0.retain_mut(|entry| match find(&entry.key) {
            Some(schema) => self.entry(entry, schema),
            None => {
                let message = self.unknown(&entry.key, &known);
                self.mistakes.add(&entry.origin, message);
                false
            }
        });
    }

    fn entry(&mut self, entry: &mut Entry, schema: &Json) -> bool {
        if (self.path == ["datasets"] || self.path == ["schedules"])
            && let Some(flaw) = flaw_of_text("DatasetName", &entry.key)
        {
            let what = if self.path == ["schedules"] { "a schedule" } else { "a dataset" };
            self.mistakes.add(&entry.origin, flaw.replace("a dataset", what));
            return false;
        }
        if !matches!(entry.node.value, Value::Table(_)) {
            return self.node(&entry.key, &mut entry.node, schema);
        }
        self.path.push(entry.key.clone());
        let stays = self.node(&entry.key, &mut entry.node, schema);
        self.path.pop();
        stays
    }

    fn missing(&mut self, key: &str, origin: &Origin, table: &Table, required: &[&str]) {
        for name in required.iter().filter(|name| table.get(name).is_none()) {
            let message = match self.path.last() {
                Some(section) if section == key => format!("[{}] has no `{name}`", self.path.join(".")),
                _ => format!("an entry of `{key}`{} has no `{name}`", self.place()),
            };
            self.mistakes.add(origin, message);
        }
    }

    /// The keys that the table at the path may have.
    fn known(&self) -> Vec<String> {
        match self.shapes.at(&self.path).map(|schema| self.shapes.of(schema)) {
            Some(Shape::Table { keys: Some(keys), .. }) => keys.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn unknown(&self, key: &str, known: &[String]) -> String {
        let unbuilt = unbuilt::keys(&self.path);
        if unbuilt.contains(&key) {
            return format!("`{key}`{} is not built yet in this version; take it out", self.place());
        }
        let all = known.iter().map(String::as_str);
        match did_you_mean(key, all.clone().chain(unbuilt.iter().copied())) {
            Some(word) => {
                let later = if unbuilt.contains(&word) { " It is not built yet in this version" } else { "" };
                format!("unknown key `{key}`{}; did you mean `{word}`?{later}", self.place())
            }
            None => format!("unknown key `{key}`{}; the keys here are {}", self.place(), all.collect::<Vec<_>>().join(", ")),
        }
    }

    /// ` in [a.b]`, or that it is outside all sections.
    fn place(&self) -> String {
        if self.path.is_empty() { " at the top of the file".into() } else { format!(" in [{}]", self.path.join(".")) }
    }
}

fn flaw_of_choice(key: &str, text: &str, name: Option<&str>, choices: &[&str], one_character: bool) -> Option<String> {
    if one_character && text.chars().count() != 1 {
        return Some(format!("`{key}` must be one character, not {text:?}"));
    }
    if choices.is_empty() {
        return name.and_then(|name| flaw_of_text(name, text));
    }
    if choices.contains(&text) {
        return None;
    }
    let hint = did_you_mean(text, choices.iter().copied()).map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
    Some(format!("`{text}` is not one of what `{key}` may be: {}{hint}", choices.join(", ")))
}

fn what(shape: &Shape<'_>) -> &'static str {
    match shape {
        Shape::Text { .. } => "a string",
        Shape::Integer => "a whole number",
        Shape::Boolean => "true or false",
        Shape::List(_) => "a list",
        Shape::Table { .. } => "a table",
    }
}
