//! The large file and the endless one.

use std::path::Path;

use anyhow::Result;
use futures::stream;
use reqwest::Body;
use serde::Deserialize;

use crate::python;

const HEADER: &[u8] = b"year,month,day,carrier,flight,dep_delay,origin\n";
const ROW: &[u8] = b"2013,7,14,UA,1545,-3,\"Newark, Liberty\"\n";
const PIECE_ROWS: usize = 20_000;

#[derive(Deserialize)]
struct Repeated {}

/// Writes a zipped CSV file whose rows are those of `file`, `times` times over.
pub async fn repeat(file: &Path, large: &Path, times: u64) -> Result<()> {
    let Repeated {} = python::run("flights_repeat", &[&file.to_string_lossy(), &large.to_string_lossy(), &times.to_string()]).await?;
    Ok(())
}

/// A CSV body of about `gb` GB that never exists as a whole: its rows, its exact length, and itself.
pub fn endless(gb: f64) -> (u64, u64, Body) {
    let piece = bytes(ROW.repeat(PIECE_ROWS));
    let mut pieces: u64 = 0;
    while crate::numbers::float(pieces * piece.len() as u64) < gb * 1e9 {
        pieces += 1;
    }
    let (rows, length) = (pieces * PIECE_ROWS as u64, HEADER.len() as u64 + pieces * piece.len() as u64);
    let parts = (0..=pieces).map(move |number| Ok::<_, std::io::Error>(if number == 0 { bytes(HEADER.to_vec()) } else { piece.clone() }));
    (rows, length, Body::wrap_stream(stream::iter(parts)))
}

fn bytes(vector: Vec<u8>) -> bytes::Bytes {
    bytes::Bytes::from(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_endless_body_is_as_long_as_it_says() {
        use http_body_util::BodyExt;
        let (rows, length, body) = endless(0.003);
        let all = body.collect().await.unwrap().to_bytes();
        assert_eq!(all.len() as u64, length);
        assert_eq!(all.iter().filter(|byte| **byte == b'\n').count() as u64, rows + 1);
        assert!(length >= 3_000_000);
    }
}
