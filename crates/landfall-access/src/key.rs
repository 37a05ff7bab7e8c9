//! Keys: a secret that its holder shows, the verifier that is kept of it, and
//! what was granted when it was created. The secret itself is kept nowhere.

use std::fmt;
use std::str::FromStr;

use landfall_model::{Action, Clock, DatasetName, Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A secret, `lfk_` and 64 hexadecimal digits of 32 random bytes. It is not printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(clock: &Clock) -> Secret {
        Secret(format!("lfk_{}", hex::encode(clock.random_bytes::<32>())))
    }

    pub(crate) fn given(text: String) -> Secret {
        Secret(text)
    }

    /// The text itself, for the one time that it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a secret. The secrets that we make have 256 random bits, which no guessing reaches, so a slow
/// hash would only make every request slow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Verifier([u8; 32]);

impl Verifier {
    pub fn of(secret: &str) -> Verifier {
        Verifier(Sha256::digest(secret.as_bytes()).into())
    }

    /// Compares in a time that says nothing about where the two differ.
    pub fn matches(&self, other: &Verifier) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// What keys are looked up by: enough to tell them apart, not enough to be one.
    pub(crate) fn head(&self) -> [u8; 8] {
        let mut head = [0; 8];
        head.copy_from_slice(&self.0[..8]);
        head
    }

    /// As the catalog keeps it: lower-case hexadecimal.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    pub fn from_hex(text: &str) -> Option<Verifier> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Verifier(bytes))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

/// What a created key may do to a dataset, or to all of them. Written `DATASET:ACTION,...`, with `*` for all datasets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGrant {
    /// `None`: every dataset, and the system itself.
    pub dataset: Option<DatasetName>,
    pub allow: Vec<Action>,
}

impl KeyGrant {
    /// Whether it is about `dataset`; `None` asks about the system itself.
    pub fn covers(&self, dataset: Option<&DatasetName>) -> bool {
        self.dataset.as_ref().is_none_or(|own| Some(own) == dataset)
    }
}

impl FromStr for KeyGrant {
    type Err = Error;

    fn from_str(text: &str) -> Result<KeyGrant> {
        let wrong = |why: String| Error::new(ErrorKind::BadRequest, format!("`{text}` is not a grant: {why}"));
        let (dataset, actions) =
            text.split_once(':').ok_or_else(|| wrong("write `DATASET:ACTION,...`, with `*` for all datasets".into()))?;
        let dataset = match dataset {
            "*" => None,
            name => Some(name.parse().map_err(|error: Error| wrong(error.message))?),
        };
        let allow = actions.split(',').map(|action| action.trim().parse().map_err(wrong)).collect::<Result<_>>()?;
        Ok(KeyGrant { dataset, allow })
    }
}

impl fmt::Display for KeyGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.dataset.as_ref().map_or("*", DatasetName::as_str))?;
        for (at, action) in self.allow.iter().enumerate() {
            write!(f, "{}{action}", if at == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

impl Serialize for KeyGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

const NAME_LENGTH_MAX: usize = 63;

/// Refuses a name that no key can have: 1 to 63 letters, digits, `_`, `-` and `.`, and not `admin`.
pub fn check_name(name: &str) -> Result<()> {
    let wrong = |why: &str| Err(Error::new(ErrorKind::BadRequest, format!("`{}` cannot be the name of a key: {why}", name.escape_debug())));
    if name == crate::context::ADMIN {
        return wrong("it is the administrator's");
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || !name.bytes().all(fits) {
        return wrong("it must have 1 to 63 letters, digits, `_`, `-` or `.`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use landfall_model::Timestamp;

    use super::*;

    #[test]
    fn a_secret_is_known_by_its_verifier_and_never_printed() {
        let secret = Secret::new(&Clock::fixed(Timestamp(0), 1));
        let kept = Verifier::from_hex(&Verifier::of(secret.reveal()).to_hex()).unwrap();
        assert!(kept.matches(&Verifier::of(secret.reveal())) && !kept.matches(&Verifier::of("lfk_other")));
        assert_eq!((secret.reveal().len(), format!("{secret:?} {kept:?}").as_str()), (68, "Secret(..) Verifier(..)"));
    }

    #[test]
    fn grants_read_back_as_they_are_written() {
        for text in ["orders:land", "orders:land,query", "*:administer"] {
            assert_eq!(text.parse::<KeyGrant>().unwrap().to_string(), text);
        }
        for text in ["", "orders", "orders:", "orders:fly", "Orders:land", ":land"] {
            assert!(text.parse::<KeyGrant>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_administrators_name_is_taken() {
        assert!(check_name("partner_a").is_ok());
        for bad in ["", "admin", "a b", "a:b", &"x".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
