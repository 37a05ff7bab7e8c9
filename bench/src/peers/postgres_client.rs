//! PostgreSQL's protocol, version 3: one session with plain statements, and the client that inserts events with a
//! statement prepared once.

use anyhow::{Context, Result, bail};

use super::Answer;
use super::event::Events;
use super::wire::Wire;

const ONE: &str = "insert into events (body) values ($1)";
// One array is quicker here than a statement with a thousand parameters.
const MANY: &str = "insert into events (body) select unnest($1::text[])";
const OID_TEXT: i32 = 25;
const PROTOCOL: i32 = 3 << 16;

/// One connection of the simple protocol.
pub struct Session {
    wire: Wire,
}

impl Session {
    pub async fn connect(port: u16) -> Result<Session> {
        let mut session = Session { wire: Wire::connect(port).await? };
        let parameters = b"user\0postgres\0database\0postgres\0\0";
        let mut hello = length(4 + 4 + parameters.len())?.to_vec();
        hello.extend_from_slice(&PROTOCOL.to_be_bytes());
        hello.extend_from_slice(parameters);
        session.wire.send(&hello).await?;
        session.until_ready(|_, _| Ok(())).await?;
        Ok(session)
    }

    /// Runs a statement and returns the first row, as text; null is the empty text.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<String>> {
        let mut request = Vec::new();
        message(&mut request, b'Q', |body| {
            body.extend_from_slice(sql.as_bytes());
            body.push(0);
            Ok(())
        })?;
        self.wire.send(&request).await?;
        let mut row = None;
        self.until_ready(|kind, body| {
            if kind == b'D' && row.is_none() {
                row = Some(read_row(body).context("a row")?);
            }
            Ok(())
        })
        .await?;
        Ok(row.unwrap_or_default())
    }

    /// Takes messages until the server is ready for the next; its error is one here.
    async fn until_ready(&mut self, mut each: impl FnMut(u8, &[u8]) -> Result<()>) -> Result<()> {
        let mut failure = None;
        loop {
            self.wire.at_least(5).await?;
            let head = self.wire.bytes();
            let (kind, size) = (head[0], u32::from_be_bytes([head[1], head[2], head[3], head[4]]));
            let whole = 1 + usize::try_from(size)?;
            self.wire.at_least(whole).await?;
            let body = &self.wire.bytes()[5..whole];
            match kind {
                b'E' => failure = Some(String::from_utf8_lossy(body).replace('\0', " ")),
                other => each(other, body)?,
            }
            self.wire.take(whole);
            match (kind, failure) {
                // Without a session there is no `ready` to wait for.
                (b'E' | b'Z', Some(why)) => bail!("postgres: {why}"),
                (b'Z', None) => return Ok(()),
                (_, still) => failure = still,
            }
        }
    }
}

pub struct Client {
    session: Session,
    request: Vec<u8>,
}

impl Client {
    pub async fn connect(port: u16) -> Result<Client> {
        let mut session = Session::connect(port).await?;
        let mut request = Vec::new();
        for (name, sql) in [("one", ONE), ("many", MANY)] {
            message(&mut request, b'P', |body| {
                body.extend_from_slice(format!("{name}\0{sql}\0").as_bytes());
                body.extend_from_slice(&0_i16.to_be_bytes());
                Ok(())
            })?;
        }
        message(&mut request, b'S', |_| Ok(()))?;
        session.wire.send(&request).await?;
        session.until_ready(|_, _| Ok(())).await?;
        Ok(Client { session, request })
    }

    pub fn prepare(&mut self, events: &mut Events, count: usize) -> Result<()> {
        self.request.clear();
        message(&mut self.request, b'B', |body| bind(body, events, count))?;
        message(&mut self.request, b'E', |body| {
            body.extend_from_slice(&[0; 5]);
            Ok(())
        })?;
        message(&mut self.request, b'S', |_| Ok(()))
    }

    pub async fn send(&mut self) -> Result<Answer> {
        self.session.wire.send(&self.request).await?;
        self.session.until_ready(|_, _| Ok(())).await?;
        Ok(Answer::Acked)
    }
}

/// Appends one message: its kind, its length, its body.
fn message(request: &mut Vec<u8>, kind: u8, fill: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    request.push(kind);
    let start = request.len();
    request.extend_from_slice(&[0; 4]);
    fill(request)?;
    let size = length(request.len() - start)?;
    request[start..start + 4].copy_from_slice(&size);
    Ok(())
}

/// Binds the one parameter of a prepared insert, in binary: a text, or an array of texts.
fn bind(body: &mut Vec<u8>, events: &mut Events, count: usize) -> Result<()> {
    body.extend_from_slice(if count == 1 { b"\0one\0" } else { b"\0many\0" });
    for number in [1_i16, 1, 1] {
        // One format code, which is binary; one parameter.
        body.extend_from_slice(&number.to_be_bytes());
    }
    let start = body.len();
    body.extend_from_slice(&[0; 4]);
    if count == 1 {
        body.extend_from_slice(events.next());
    } else {
        // Dimensions, whether there are nulls, the type of the elements, how many, the first one's number.
        for word in [1, 0, OID_TEXT, i32::try_from(count)?, 1] {
            body.extend_from_slice(&word.to_be_bytes());
        }
        for _ in 0..count {
            let event = events.next();
            body.extend_from_slice(&length(event.len())?);
            body.extend_from_slice(event);
        }
    }
    let size = length(body.len() - start - 4)?;
    body[start..start + 4].copy_from_slice(&size);
    // Results in text.
    body.extend_from_slice(&0_i16.to_be_bytes());
    Ok(())
}

/// A length as the protocol writes it: four bytes, the highest first.
fn length(bytes: usize) -> Result<[u8; 4]> {
    Ok(i32::try_from(bytes).context("a message above 2 GiB")?.to_be_bytes())
}

/// The values of a `DataRow`.
fn read_row(body: &[u8]) -> Option<Vec<String>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut row = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (size, after) = rest.split_first_chunk::<4>()?;
        // A null has the length -1 and no bytes.
        let size = usize::try_from(i32::from_be_bytes(*size)).unwrap_or(0);
        row.push(String::from_utf8_lossy(after.get(..size)?).into_owned());
        rest = &after[size..];
    }
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_with_its_nulls() {
        let body = [0, 3, 0, 0, 0, 2, b'4', b'2', 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, b'x'];
        assert_eq!(read_row(&body).unwrap(), ["42", "", "x"]);
        assert!(read_row(&body[..8]).is_none());
    }

    #[test]
    fn a_message_knows_its_length() {
        let mut request = Vec::new();
        message(&mut request, b'B', |body| bind(body, &mut Events::stream(1), 2)).unwrap();
        let size = i32::from_be_bytes([request[1], request[2], request[3], request[4]]);
        assert_eq!(usize::try_from(size).unwrap(), request.len() - 1);
    }
}
