//! The JSON Schema of the file as a shape to walk: what a value must be, which
//! keys a table may have. Made from the structs in `file.rs`, so it cannot
//! disagree with them.

use serde_json::{Map, Value as Json};

use landfall_model::{Action, DatasetName, Grantee, Region, Span, Type};

use super::file::{self, Door};

pub struct Shapes(Json);

/// What a value must be.
pub enum Shape<'a> {
    Text {
        /// Its name in the schema, if the text has rules of its own.
        name: Option<&'a str>,
        /// The words it may be; empty: any.
        choices: Vec<&'a str>,
        one_character: bool,
    },
    Integer,
    Boolean,
    List(&'a Json),
    Table {
        keys: Option<&'a Map<String, Json>>,
        /// What stands under any other key, if any other is allowed.
        others: Option<&'a Json>,
        required: Vec<&'a str>,
    },
}

impl Shapes {
    pub fn new() -> Shapes {
        Shapes(file::schema())
    }

    pub fn root(&self) -> &Json {
        &self.0
    }

    /// Follows references and takes the part of an optional value that is not null.
    fn resolve<'a>(&'a self, mut schema: &'a Json) -> (Option<&'a str>, &'a Json) {
        let mut name = None;
        loop {
            let options = schema.get("anyOf").and_then(Json::as_array);
            if let Some(real) = options.and_then(|all| all.iter().find(|one| one.get("type").and_then(Json::as_str) != Some("null"))) {
                schema = real;
            } else if let Some(target) = schema.get("$ref").and_then(Json::as_str) {
                name = target.rsplit('/').next();
                match self.0.pointer(target.trim_start_matches('#')) {
                    Some(found) => schema = found,
                    None => return (name, schema),
                }
            } else {
                return (name, schema);
            }
        }
    }

    pub fn of<'a>(&'a self, schema: &'a Json) -> Shape<'a> {
        let (name, schema) = self.resolve(schema);
        let kind = match schema.get("type") {
            Some(Json::Array(kinds)) => kinds.first().and_then(Json::as_str),
            Some(Json::String(kind)) => Some(kind.as_str()),
            _ => None,
        };
        match kind {
            Some("object") => {
                let patterns = schema.get("patternProperties").and_then(Json::as_object).and_then(|all| all.values().next());
                let others = patterns.or_else(|| schema.get("additionalProperties").filter(|other| other.is_object()));
                let required = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
                Shape::Table { keys: schema.get("properties").and_then(Json::as_object), others, required }
            }
            Some("array") => Shape::List(schema.get("items").unwrap_or(&Json::Null)),
            Some("boolean") => Shape::Boolean,
            Some("integer") => Shape::Integer,
            _ => {
                let one_character = schema.get("maxLength").and_then(Json::as_u64) == Some(1);
                Shape::Text { name, choices: choices(schema), one_character }
            }
        }
    }

    /// What stands at `path`, if the file has such a place.
    pub fn at<'a>(&'a self, path: &[String]) -> Option<&'a Json> {
        path.iter().try_fold(&self.0, |schema, key| match self.of(schema) {
            Shape::Table { keys, others, .. } => keys.and_then(|keys| keys.get(key)).or(others),
            _ => None,
        })
    }
}

/// The words of an enum; those that have a description stand alone in the schema, the others in groups.
fn choices(schema: &Json) -> Vec<&str> {
    let grouped = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
    let alone = schema.get("const");
    let nested = schema.get("oneOf").and_then(Json::as_array).into_iter().flatten().flat_map(choices);
    grouped.chain(alone).filter_map(Json::as_str).chain(nested).collect()
}

/// The rule of a text that has a name in the schema, as its own type states it.
pub fn flaw_of_text(name: &str, text: &str) -> Option<String> {
    match name {
        "DatasetName" => text.parse::<DatasetName>().err().map(|error| error.message),
        "Region" => text.parse::<Region>().err().map(|error| error.message),
        "Type" => text.parse::<Type>().err(),
        "Grantee" => text.parse::<Grantee>().err(),
        "Action" => text.parse::<Action>().err(),
        "Span" => text.parse::<Span>().err(),
        "Door" => text.parse::<Door>().err(),
        _ => None,
    }
}
