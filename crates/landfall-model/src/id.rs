//! Names that the system gives: 26 characters of Crockford base 32 behind a
//! prefix that says what is named, 56 bits of microseconds before 72 random
//! ones, so that they sort by time and never meet. Nothing outside parses more
//! than the prefix.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::name::{DatasetName, Region};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

fn new_id(prefix: &str, clock: &Clock) -> String {
    let micros = u128::try_from(clock.now().micros()).unwrap_or(0) & 0xff_ffff_ffff_ffff;
    let mut random = [0; 16];
    random[7..].copy_from_slice(&clock.random_bytes::<9>());
    let number = (micros << 72) | u128::from_be_bytes(random);
    let mut text = String::with_capacity(prefix.len() + LENGTH);
    text.push_str(prefix);
    for place in (0..LENGTH).rev() {
        let digit = (number >> (place * 5)) & 31;
        text.push(char::from(ALPHABET[usize::try_from(digit).unwrap_or(0)]));
    }
    text
}

fn parse_id(prefix: &str, what: &str, text: &str) -> Result<String, Error> {
    let fits = text.strip_prefix(prefix).is_some_and(|rest| rest.len() == LENGTH && rest.bytes().all(|b| ALPHABET.contains(&b)));
    if fits {
        return Ok(text.to_owned());
    }
    let message = format!("`{text}` is not the id of a {what}: one begins with `{prefix}` and has {LENGTH} more letters and digits");
    Err(Error::new(ErrorKind::BadRequest, message))
}

/// What an id names: its prefix, and the word for it in messages.
pub trait Named {
    const PREFIX: &'static str;
    const WHAT: &'static str;
}

/// An id of one kind; ids of different kinds cannot be mixed up.
pub struct Id<K>(String, PhantomData<fn() -> K>);

impl<K: Named> Id<K> {
    pub fn new(clock: &Clock) -> Id<K> {
        Id(new_id(K::PREFIX, clock), PhantomData)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<K: Named> FromStr for Id<K> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Id<K>, Error> {
        parse_id(K::PREFIX, K::WHAT, text).map(|text| Id(text, PhantomData))
    }
}

// Written out because a derive would ask the same of `K`, which is only a tag.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Id(self.0.clone(), PhantomData)
    }
}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, K: Named> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

pub enum LandingTag {}
pub enum JobTag {}
pub enum ManifestTag {}
pub enum UploadTag {}
pub enum SegmentTag {}
pub enum ReplayTag {}
pub enum RunTag {}

impl Named for LandingTag {
    const PREFIX: &'static str = "lnd_";
    const WHAT: &'static str = "landing";
}

impl Named for JobTag {
    const PREFIX: &'static str = "job_";
    const WHAT: &'static str = "job";
}

impl Named for ManifestTag {
    const PREFIX: &'static str = "man_";
    const WHAT: &'static str = "manifest";
}

impl Named for UploadTag {
    const PREFIX: &'static str = "upl_";
    const WHAT: &'static str = "upload";
}

impl Named for SegmentTag {
    const PREFIX: &'static str = "seg_";
    const WHAT: &'static str = "segment";
}

impl Named for ReplayTag {
    const PREFIX: &'static str = "rpl_";
    const WHAT: &'static str = "replay";
}

impl Named for RunTag {
    const PREFIX: &'static str = "run_";
    const WHAT: &'static str = "run";
}

pub type LandingId = Id<LandingTag>;
pub type JobId = Id<JobTag>;
pub type ManifestId = Id<ManifestTag>;
pub type UploadId = Id<UploadTag>;
pub type SegmentId = Id<SegmentTag>;
pub type ReplayId = Id<ReplayTag>;
pub type RunId = Id<RunTag>;

/// The id of a load: a positive random number, because it must fit the version of a Delta `txn` action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoadId(pub i64);

impl LoadId {
    pub fn new(clock: &Clock) -> LoadId {
        LoadId(i64::from_le_bytes(clock.random_bytes()) & i64::MAX)
    }
}

/// One event: `orders.local.42` is the 42nd that the dataset `orders` took in the region `local`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    pub dataset: DatasetName,
    pub region: Region,
    /// Counted from 1, in the order of commit.
    pub seq: i64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.dataset, self.region, self.seq)
    }
}

impl FromStr for EventId {
    type Err = Error;

    fn from_str(text: &str) -> Result<EventId, Error> {
        let mut parts = text.split('.');
        let parsed = (|| {
            let dataset = parts.next()?.parse().ok()?;
            let region = parts.next()?.parse().ok()?;
            let seq = parts.next()?.parse().ok().filter(|seq| *seq > 0)?;
            parts.next().is_none().then_some(EventId { dataset, region, seq })
        })();
        parsed.ok_or_else(|| {
            Error::new(ErrorKind::BadRequest, format!("`{text}` is not the id of an event, which looks like `orders.local.42`"))
        })
    }
}

/// Whatever `status` can be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyId {
    Event(EventId),
    Landing(LandingId),
    Job(JobId),
}

impl FromStr for AnyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<AnyId, Error> {
        if text.starts_with(LandingTag::PREFIX) {
            return text.parse().map(AnyId::Landing);
        }
        if text.starts_with(JobTag::PREFIX) {
            return text.parse().map(AnyId::Job);
        }
        if text.contains('.') {
            return text.parse().map(AnyId::Event);
        }
        let message =
            format!("`{text}` is not an id: an event looks like `orders.local.42`, a landing begins with `lnd_`, a job with `job_`");
        Err(Error::new(ErrorKind::BadRequest, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let clock = Clock::fixed(Timestamp(1_700_000_000_000_000), 7);
        let first = LandingId::new(&clock);
        clock.advance(std::time::Duration::from_millis(1));
        let second = LandingId::new(&clock);
        assert!(first < second, "{first} {second}");
        assert_eq!(first.as_str().parse::<LandingId>().unwrap(), first);
        assert!(first.as_str().parse::<JobId>().is_err());
    }

    #[test]
    fn every_kind_of_id_is_told_by_its_text() {
        assert!(matches!("orders.local.42".parse(), Ok(AnyId::Event(EventId { seq: 42, .. }))));
        for wrong in ["orders.local.0", "orders.local", "orders.local.1.2", "lnd_1", "nonsense", ""] {
            assert!(wrong.parse::<AnyId>().is_err(), "{wrong}");
        }
    }
}
