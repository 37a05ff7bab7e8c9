//! The event that every peer takes: one JSON document of exactly 256 bytes, each with a number of its own.

/// Bytes of one event.
pub const BYTES: usize = 256;

const HEAD: &str = r#"{"id":""#;
const DIGITS: usize = 16;
const TAIL: &str = concat!(
    r#"","at":"2026-03-05T12:34:56.789Z","kind":"page_view","user":"u-48213","session":"5f2c9a7be01d","path":"/catalog/shoes/trail","#,
    r#""referrer":"https://www.example.com/search?q=trail+shoes","country":"NO","width":1440,"height":900,"ms":"#
);
const END: &str = ".5}";

/// The columns of the dataset that takes it, as a configuration declares them.
pub const COLUMNS: &str = concat!(
    r#"{ id = "text", at = "timestamp", kind = "text", user = "text", session = "text", path = "text", "#,
    r#"referrer = "text", country = "text", width = "int", height = "int", ms = "double" }"#
);

/// Numbered events without end. The numbers of two streams never meet.
pub struct Events {
    bytes: [u8; BYTES],
    next: u64,
}

impl Events {
    /// Stream `stream` of this run: its numbers begin at `stream` times ten thousand million.
    pub fn stream(stream: u64) -> Events {
        let mut bytes = [b'7'; BYTES];
        let tail = HEAD.len() + DIGITS;
        bytes[..HEAD.len()].copy_from_slice(HEAD.as_bytes());
        bytes[tail..tail + TAIL.len()].copy_from_slice(TAIL.as_bytes());
        bytes[BYTES - END.len()..].copy_from_slice(END.as_bytes());
        Events { bytes, next: stream * 10_000_000_000 }
    }

    /// The next event, without a line's end.
    pub fn next(&mut self) -> &[u8; BYTES] {
        let mut left = self.next;
        for digit in self.bytes[HEAD.len()..HEAD.len() + DIGITS].iter_mut().rev() {
            *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
        }
        self.next += 1;
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_json_of_256_bytes_with_its_own_number() {
        let mut events = Events::stream(3);
        let first: serde_json::Value = serde_json::from_slice(events.next()).unwrap();
        let second: serde_json::Value = serde_json::from_slice(events.next()).unwrap();
        assert_eq!(first["id"], "0000030000000000");
        assert_eq!(second["id"], "0000030000000001");
        assert!(first["ms"].as_f64().is_some_and(f64::is_finite));
        assert_eq!(first.as_object().unwrap().len(), COLUMNS.matches('=').count());
    }
}
