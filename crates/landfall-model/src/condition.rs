//! Conditions on what is live under a key, for who puts or deletes there
//! (RFC 9110, 13.1): checked in the transaction that changes it, so that of
//! many who hold the same one is let through.

use crate::error::{Error, ErrorKind, Result};
use crate::key::FileKey;

/// Contents, by digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Whatever there is.
    Any,
    /// SHA-256 in lower-case hexadecimal.
    OneOf(Vec<String>),
}

impl Contents {
    fn have(&self, live: Option<&str>) -> bool {
        match (self, live) {
            (_, None) => false,
            (Contents::Any, Some(_)) => true,
            (Contents::OneOf(digests), Some(live)) => digests.iter().any(|digest| digest == live),
        }
    }
}

/// The default holds whatever is live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// One of these is live: `If-Match`.
    pub is: Option<Contents>,
    /// None of these is: `If-None-Match`.
    pub is_not: Option<Contents>,
}

impl Condition {
    /// Nothing is live.
    pub fn absent() -> Condition {
        Condition { is: None, is_not: Some(Contents::Any) }
    }

    /// Refuses where it does not hold of the content that is live under `key`.
    pub fn check(&self, key: &FileKey, live: Option<&str>) -> Result<()> {
        let holds = self.is.as_ref().is_none_or(|is| is.have(live)) && !self.is_not.as_ref().is_some_and(|is_not| is_not.have(live));
        if holds {
            return Ok(());
        }
        let now = live.map_or("there is no file".to_owned(), |digest| format!("the file is now \"sha256:{digest}\""));
        let message = format!("under the key `{key}` {now}, which the conditions of the request rule out");
        Err(Error::new(ErrorKind::PreconditionFailed, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_holds_of_what_it_names() {
        let one = |digest: &str| Some(Contents::OneOf(vec!["x".into(), digest.into()]));
        let table = [
            (Condition::default(), [true, true]),
            (Condition::absent(), [true, false]),
            (Condition { is: Some(Contents::Any), is_not: None }, [false, true]),
            (Condition { is: one("ab"), is_not: None }, [false, true]),
            (Condition { is: one("cd"), is_not: None }, [false, false]),
            (Condition { is: None, is_not: one("ab") }, [true, false]),
            (Condition { is: None, is_not: one("cd") }, [true, true]),
            (Condition { is: Some(Contents::Any), is_not: one("ab") }, [false, false]),
        ];
        for (condition, expected) in table {
            let found = [None, Some("ab")].map(|live| condition.check(&"k".parse().unwrap(), live).is_ok());
            assert_eq!(found, expected, "{condition:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_there() {
        let refused = Condition::absent().check(&"a/b".parse().unwrap(), Some("ab")).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::PreconditionFailed);
        assert_eq!(refused.message, "under the key `a/b` the file is now \"sha256:ab\", which the conditions of the request rule out");
    }
}
