//! `${NAME}` and `${NAME:default}` in string values take the environment's
//! value; `$${` is a plain `${`. A variable that is not set and has no default
//! is a mistake at its own place.

use super::mistake::Mistakes;
use super::source::{Origin, SourceFile};
use super::tree::{Node, Table, Value};

/// Looks up an environment variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces every `${...}` below `table`, which was read from `file`.
pub fn interpolate(table: &mut Table, file: &SourceFile, env: Lookup<'_>, mistakes: &mut Mistakes) {
    for entry in &mut table.0 {
        interpolate_node(&mut entry.node, file, env, mistakes);
    }
}

fn interpolate_node(node: &mut Node, file: &SourceFile, env: Lookup<'_>, mistakes: &mut Mistakes) {
    match &mut node.value {
        Value::Text(text) if text.contains("${") => match expand(text, env) {
            Ok(expanded) => *text = expanded,
            Err(flaws) => {
                for (piece, message) in flaws {
                    mistakes.add(&place(&node.origin, &piece, file), message);
                }
            }
        },
        Value::List(items) => items.iter_mut().for_each(|item| interpolate_node(item, file, env, mistakes)),
        Value::Table(table) => interpolate(table, file, env, mistakes),
        _ => {}
    }
}

/// The place of `piece` inside a value: its text stands in the source as it is, whatever the string's quotes are.
fn place(origin: &Origin, piece: &str, file: &SourceFile) -> Origin {
    let Origin::File { file: index, span } = origin else { return origin.clone() };
    let found = file.text.get(span.clone()).and_then(|raw| raw.find(piece));
    match found {
        Some(at) => Origin::File { file: *index, span: span.start + at..span.start + at + piece.len() },
        None => origin.clone(),
    }
}

/// The text with its variables replaced, or each piece that is wrong and why.
fn expand(text: &str, env: Lookup<'_>) -> Result<String, Vec<(String, String)>> {
    let (mut out, mut flaws, mut rest) = (String::with_capacity(text.len()), Vec::new(), text);
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            out.push_str(&rest[..start - 1]);
            out.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else {
            flaws.push((rest[start..].to_owned(), "`${` is never closed with `}`; a plain `${` is written `$${`".to_owned()));
            rest = "";
            break;
        };
        let piece = &rest[start..=start + length];
        match variable(&piece[2..piece.len() - 1], env) {
            Ok(value) => out.push_str(&value),
            Err(message) => flaws.push((piece.to_owned(), message)),
        }
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    if flaws.is_empty() { Ok(out) } else { Err(flaws) }
}

fn variable(inner: &str, env: Lookup<'_>) -> Result<String, String> {
    let (name, default) = match inner.split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let named = name.bytes().next().is_some_and(|b| !b.is_ascii_digit()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !named {
        return Err(format!("`{name}` cannot be the name of an environment variable: letters, digits and `_`"));
    }
    let value = env(name).or_else(|| default.map(str::to_owned));
    value.ok_or_else(|| format!("the environment variable `{name}` is not set; set it, or give a default: ${{{name}:default}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "USER").then(|| "ada".to_owned())
    }

    #[test]
    fn variables_defaults_and_escapes() {
        for (text, expected) in [
            ("plain $5", "plain $5"),
            ("${USER}", "ada"),
            ("a/${USER}/${NONE:x:y}/b", "a/ada/x:y/b"),
            ("${NONE:}", ""),
            ("$${USER}", "${USER}"),
        ] {
            assert_eq!(expand(text, &env).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn each_flaw_is_named() {
        let flaws = expand("${NONE} ${1X} ${open", &env).unwrap_err();
        let pieces: Vec<&str> = flaws.iter().map(|(piece, _)| piece.as_str()).collect();
        assert_eq!(pieces, ["${NONE}", "${1X}", "${open"]);
    }
}
