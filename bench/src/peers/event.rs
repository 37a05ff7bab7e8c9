//! The event that every peer takes: one JSON document of exactly 256 bytes, each with a number of its own.

/// Bytes of one event.
pub const BYTES: usize = 256;

const HEAD: &str = r#"{"id":""#;
const ID_DIGITS: usize = 16;
const TO_USER: &str = r#"","at":"2026-03-05T12:34:56.789Z","kind":"page_view","user":"u-"#;
const USER_DIGITS: usize = 5;
const TO_COUNTRY: &str = concat!(
    r#"","session":"5f2c9a7be01d","path":"/catalog/shoes/trail","#,
    r#""referrer":"https://www.example.com/search?q=trail+shoes","country":""#
);
const TO_MS: &str = r#"","width":1440,"height":900,"ms":"#;
const END: &str = ".5}";

const USER_AT: usize = HEAD.len() + ID_DIGITS + TO_USER.len();
const COUNTRY_AT: usize = USER_AT + USER_DIGITS + TO_COUNTRY.len();

/// Countries that come in turn.
const COUNTRIES: [&[u8; 2]; 8] = [b"NO", b"DE", b"FR", b"NL", b"PL", b"PT", b"SE", b"US"];

/// The columns of the dataset that takes it, as a configuration declares them.
pub const COLUMNS: &str = concat!(
    r#"{ id = "text", at = "timestamp", kind = "text", user = "text", session = "text", path = "text", "#,
    r#"referrer = "text", country = "text", width = "int", height = "int", ms = "double" }"#
);

/// Numbered events without end, of many users in a few countries. The numbers of two streams never meet.
pub struct Events {
    bytes: [u8; BYTES],
    next: u64,
}

/// The id of event `number` of a stream.
pub fn id(stream: u64, number: u64) -> String {
    format!("{:0ID_DIGITS$}", stream * STREAM + number)
}

const STREAM: u64 = 10_000_000_000;

impl Events {
    /// Stream `stream` of this run: its numbers begin at `stream` times ten thousand million.
    pub fn stream(stream: u64) -> Events {
        let mut bytes = [b'7'; BYTES];
        let parts = [(0, HEAD), (HEAD.len() + ID_DIGITS, TO_USER), (USER_AT + USER_DIGITS, TO_COUNTRY), (COUNTRY_AT + 2, TO_MS)];
        for (at, part) in parts.into_iter().chain([(BYTES - END.len(), END)]) {
            bytes[at..at + part.len()].copy_from_slice(part.as_bytes());
        }
        Events { bytes, next: stream * STREAM }
    }

    /// The next event, without a line's end.
    pub fn next(&mut self) -> &[u8; BYTES] {
        let number = self.next;
        self.next += 1;
        digits(&mut self.bytes[HEAD.len()..HEAD.len() + ID_DIGITS], number);
        digits(&mut self.bytes[USER_AT..USER_AT + USER_DIGITS], number.wrapping_mul(7_919));
        let country = usize::try_from(number).unwrap_or(0) % COUNTRIES.len();
        self.bytes[COUNTRY_AT..COUNTRY_AT + 2].copy_from_slice(COUNTRIES[country]);
        &self.bytes
    }
}

/// The last digits of `number`, as many as there is room for.
fn digits(room: &mut [u8], mut number: u64) {
    for digit in room.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
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
        assert_eq!(second["id"], id(3, 1));
        assert_eq!((&second["user"], &second["country"]), (&"u-07919".into(), &"DE".into()));
        assert!(first["ms"].as_f64().is_some_and(f64::is_finite));
        assert_eq!(first.as_object().unwrap().len(), COLUMNS.matches('=').count());
    }
}
