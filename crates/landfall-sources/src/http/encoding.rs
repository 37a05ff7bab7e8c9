//! `Content-Encoding` of an events body: gzip or zstd, unpacked within the
//! limit of a plain body, so that a bomb costs no more than an honest one.

use std::io::{ErrorKind as IoKind, Read};

use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use bytes::Bytes;
use landfall_access::http::Reservation;
use landfall_model::{Error, ErrorKind, Result, limits};

/// Unpacking more than this is done off the threads that serve requests.
const QUICK_BYTES: usize = 64 << 10;

/// A frame that wants a larger window than RFC 8878 asks of receivers (8 MiB) is refused.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Zstd,
}

fn coding(headers: &HeaderMap) -> Result<Option<Coding>> {
    let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    match text.to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Coding::Gzip)),
        "zstd" => Ok(Some(Coding::Zstd)),
        _ => Err(Error::new(ErrorKind::UnsupportedMediaType, format!("`Content-Encoding: {text}` is not taken: it may be gzip or zstd"))),
    }
}

/// The body as it was before its `Content-Encoding`.
pub(crate) async fn decode(headers: &HeaderMap, body: Bytes, held: &mut Reservation) -> Result<Bytes> {
    let Some(coding) = coding(headers)? else { return Ok(body) };
    let unpacked = if body.len() <= QUICK_BYTES {
        unpack(coding, &body)?
    } else {
        let unpacking = tokio::task::spawn_blocking(move || unpack(coding, &body));
        unpacking.await.map_err(|error| Error::internal("unpacking a body", error))??
    };
    held.grow(unpacked.len())?;
    Ok(unpacked.into())
}

fn unpack(coding: Coding, body: &[u8]) -> Result<Vec<u8>> {
    match coding {
        Coding::Gzip => read(flate2::read::MultiGzDecoder::new(body), "gzip"),
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|error| broken("zstd", &error))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|error| broken("zstd", &error))?;
            read(decoder, "zstd")
        }
    }
}

fn read(packed: impl Read, name: &str) -> Result<Vec<u8>> {
    let max = limits::EVENTS_BODY_BYTES_MAX;
    let mut unpacked = Vec::new();
    packed.take(max as u64 + 1).read_to_end(&mut unpacked).map_err(|error| broken(name, &error))?;
    if unpacked.len() > max {
        return Err(Error::new(
            ErrorKind::BodyTooLarge,
            format!("the body unpacks to more than {max} bytes, the most that is taken as events"),
        ));
    }
    Ok(unpacked)
}

fn broken(name: &str, error: &std::io::Error) -> Error {
    let why = if error.kind() == IoKind::UnexpectedEof { "it is cut off".to_owned() } else { error.to_string() };
    Error::new(
        ErrorKind::BrokenContainer,
        format!("the body says `Content-Encoding: {name}` and cannot be unpacked: {why}; nothing landed"),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::http::HeaderValue;
    use landfall_access::http::Budget;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn unpacked(name: &str, body: Vec<u8>) -> Result<Bytes, ErrorKind> {
        let headers: HeaderMap = [(CONTENT_ENCODING, HeaderValue::from_str(name).unwrap())].into_iter().collect();
        decode(&headers, body.into(), &mut Budget::default().reserve()).await.map_err(|error| error.kind)
    }

    #[tokio::test]
    async fn both_codings_are_unpacked() {
        let text = b"{\"a\":1}\n".repeat(20_000);
        assert_eq!(unpacked("gzip", gzip(&text)).await.unwrap(), text);
        assert_eq!(unpacked("x-gzip", [gzip(b"{}"), gzip(b"{}")].concat()).await.unwrap(), "{}{}");
        assert_eq!(unpacked("ZSTD", zstd::encode_all(text.as_slice(), 1).unwrap()).await.unwrap(), text);
        assert_eq!(unpacked("identity", b"{}".to_vec()).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn what_cannot_be_unpacked_is_refused() {
        let whole = gzip(b"{\"a\":1}");
        assert_eq!(unpacked("gzip", whole[..whole.len() - 4].to_vec()).await, Err(ErrorKind::BrokenContainer));
        assert_eq!(unpacked("gzip", b"{}".to_vec()).await, Err(ErrorKind::BrokenContainer));
        assert_eq!(unpacked("zstd", b"{}".to_vec()).await, Err(ErrorKind::BrokenContainer));
        assert_eq!(unpacked("br", b"{}".to_vec()).await, Err(ErrorKind::UnsupportedMediaType));
    }

    #[tokio::test]
    async fn a_bomb_stops_at_the_limit() {
        let bomb = vec![b' '; 64 << 20];
        assert_eq!(unpacked("gzip", gzip(&bomb)).await, Err(ErrorKind::BodyTooLarge));
        assert_eq!(unpacked("zstd", zstd::encode_all(bomb.as_slice(), 1).unwrap()).await, Err(ErrorKind::BodyTooLarge));
    }
}
