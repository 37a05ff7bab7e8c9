//! Sealed objects: bodies one after another, as they came, and behind them an
//! index that says of each what the catalog said: one JSON document a line, in
//! zstd. An object whose landings still have rows of their own has no index.

use std::io::{Read, Write};

use bytes::Bytes;
use landfall_model::{Error, ErrorKind, LandingId, Principal, Region, Result, Source, Timestamp, limits};
use serde::{Deserialize, Serialize};

use crate::Store;

/// One landing of a sealed object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedBatch {
    pub id: LandingId,
    pub region: Region,
    pub source: Source,
    #[serde(with = "as_text")]
    pub principal: Principal,
    pub digest: String,
    pub received_at: Timestamp,
    pub first_seq: i64,
    pub records: i64,
    /// From the first body of the merged landing on, in bytes.
    pub offset: u64,
    pub length: u64,
}

mod as_text {
    use landfall_model::Principal;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(principal: &Principal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(principal)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Principal, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The index as its bytes.
pub fn write_index(batches: &[SealedBatch]) -> Result<Bytes> {
    let broken = |why: std::io::Error| Error::internal("writing the index of a sealed object", why);
    let mut writer = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL).map_err(broken)?;
    for batch in batches {
        serde_json::to_writer(&mut writer, batch).map_err(|why| broken(why.into()))?;
        writer.write_all(b"\n").map_err(broken)?;
    }
    writer.finish().map(Bytes::from).map_err(broken)
}

/// Reads an index of at most `limits::SEALED_LANDINGS_MAX` landings.
pub fn read_index(bytes: &[u8]) -> Result<Vec<SealedBatch>> {
    let broken =
        |why: &dyn std::fmt::Display| Error::new(ErrorKind::Corrupt, format!("the index of a sealed object cannot be read: {why}"));
    let mut text = Vec::new();
    let limit = limits::SEALED_LANDINGS_MAX as u64 * 1024;
    zstd::Decoder::new(bytes).and_then(|reader| reader.take(limit).read_to_end(&mut text)).map_err(|why| broken(&why))?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|why| broken(&why))).collect()
}

impl Store {
    /// The index that lies at `offset` of the object `key`.
    pub async fn index(&self, key: &str, offset: u64, bytes: u64) -> Result<Vec<SealedBatch>> {
        read_index(&self.get_range(key, offset..offset + bytes).await?)
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::Clock;

    use super::*;

    #[test]
    fn an_index_reads_back_and_is_small() {
        let clock = Clock::fixed(Timestamp(1_000_000), 7);
        let batch = |number: i64| SealedBatch {
            id: LandingId::new(&clock),
            region: Region::default(),
            source: Source::Http,
            principal: Principal::Key("sensor".into()),
            digest: "0".repeat(64),
            received_at: clock.now(),
            first_seq: number,
            records: 1,
            offset: 0,
            length: 250,
        };
        let batches: Vec<_> = (1..=1000).map(batch).collect();
        let index = write_index(&batches).unwrap();
        assert!(index.len() < 40_000, "{} bytes", index.len());
        assert_eq!(read_index(&index).unwrap(), batches);
        assert_eq!(read_index(&index[..index.len() / 2]).unwrap_err().kind, ErrorKind::Corrupt);
    }
}
