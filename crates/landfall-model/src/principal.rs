//! Who acts, what may be done, and who may do it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who acts. Written `anonymous`, `key:NAME`, `oidc:SUBJECT` or `schedule:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Principal {
    Anonymous,
    Key(String),
    Oidc(String),
    /// A schedule, by its name: it acts for whoever wrote the configuration. Nobody can sign in as one.
    Schedule(String),
    /// Of batches that were merged: more than one. It acts no more.
    Several,
}

/// What may be done to a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Land,
    Read,
    List,
    Delete,
    Query,
    Replay,
    Administer,
}

/// Whom a grant is for. Written `anonymous`, `key:NAME`, `oidc:SUBJECT` or `group:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grantee {
    Principal(Principal),
    Group(String),
}

/// One line of a dataset's `grants`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// `anonymous`, `key:NAME`, `oidc:SUBJECT` or `group:NAME`.
    pub to: Grantee,
    /// What it allows.
    pub allow: Vec<Action>,
    /// Only for keys that begin with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
}

impl Action {
    pub const ALL: &[Action] =
        &[Action::Land, Action::Read, Action::List, Action::Delete, Action::Query, Action::Replay, Action::Administer];

    pub fn as_str(self) -> &'static str {
        match self {
            Action::Land => "land",
            Action::Read => "read",
            Action::List => "list",
            Action::Delete => "delete",
            Action::Query => "query",
            Action::Replay => "replay",
            Action::Administer => "administer",
        }
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Action, String> {
        let found = Action::ALL.iter().copied().find(|action| action.as_str() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
            format!("`{text}` is not an action: they are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Anonymous => f.write_str("anonymous"),
            Principal::Key(name) => write!(f, "key:{name}"),
            Principal::Oidc(subject) => write!(f, "oidc:{subject}"),
            Principal::Schedule(name) => write!(f, "schedule:{name}"),
            Principal::Several => f.write_str("several"),
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grantee::Principal(principal) => principal.fmt(f),
            Grantee::Group(name) => write!(f, "group:{name}"),
        }
    }
}

impl FromStr for Grantee {
    type Err = String;

    fn from_str(text: &str) -> Result<Grantee, String> {
        let named = |name: &str| !name.is_empty() && name.len() <= 255 && !name.chars().any(char::is_control);
        match text.split_once(':') {
            None if text == "anonymous" => Ok(Grantee::Principal(Principal::Anonymous)),
            Some(("key", name)) if named(name) => Ok(Grantee::Principal(Principal::Key(name.into()))),
            Some(("oidc", subject)) if named(subject) => Ok(Grantee::Principal(Principal::Oidc(subject.into()))),
            Some(("group", name)) if named(name) => Ok(Grantee::Group(name.into())),
            _ => Err(format!("`{text}` names nobody: write `anonymous`, `key:NAME`, `oidc:SUBJECT` or `group:NAME`")),
        }
    }
}

impl FromStr for Principal {
    type Err = String;

    fn from_str(text: &str) -> Result<Principal, String> {
        if text == "several" {
            return Ok(Principal::Several);
        }
        if let Some(name) = text.strip_prefix("schedule:") {
            return Ok(Principal::Schedule(name.into()));
        }
        match text.parse()? {
            Grantee::Principal(principal) => Ok(principal),
            Grantee::Group(_) => Err(format!("`{text}` is a group, and a group does not act")),
        }
    }
}

impl Serialize for Grantee {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Grantee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Grantee {
    fn schema_name() -> Cow<'static, str> {
        "Grantee".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(anonymous|(key|oidc|group):.+)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grantees_read_back_as_they_are_written() {
        for text in ["anonymous", "key:partner_a", "oidc:https://issuer|7", "group:analysts"] {
            assert_eq!(text.parse::<Grantee>().unwrap().to_string(), text);
        }
        for text in ["", "key:", "partner", "user:x"] {
            assert!(text.parse::<Grantee>().is_err(), "{text}");
        }
    }
}
