//! HTTP/1.1 as cheap as it gets: one kept connection, one request at a time, made and read by hand. It knows what
//! Landfall answers to events: a head with `content-length`, and a body.

use anyhow::{Context, Result, bail};

use super::Answer;
use super::event::{self, Events};
use super::wire::Wire;

pub struct Client {
    wire: Wire,
    request: Vec<u8>,
}

impl Client {
    pub async fn connect(port: u16) -> Result<Client> {
        Ok(Client { wire: Wire::connect(port).await?, request: Vec::new() })
    }

    pub fn prepare(&mut self, events: &mut Events, count: usize) {
        let bytes = count * (event::BYTES + 1);
        let head = format!("POST /v1/datasets/events/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: {bytes}\r\n\r\n");
        self.request.clear();
        self.request.extend_from_slice(head.as_bytes());
        for _ in 0..count {
            self.request.extend_from_slice(events.next());
            self.request.push(b'\n');
        }
    }

    pub async fn send(&mut self) -> Result<Answer> {
        self.wire.send(&self.request).await?;
        let head = self.wire.until(b"\r\n\r\n").await?;
        let (status, length) = read_head(&self.wire.bytes()[..head])?;
        let whole = head + 4 + length;
        self.wire.at_least(whole).await?;
        let answer = match status {
            202 => Answer::Acked,
            503 | 429 => Answer::Refused,
            _ => bail!("landfall: {}", String::from_utf8_lossy(&self.wire.bytes()[..whole])),
        };
        self.wire.take(whole);
        Ok(answer)
    }
}

/// Status and length of the body.
fn read_head(head: &[u8]) -> Result<(u16, usize)> {
    let text = std::str::from_utf8(head).context("an HTTP head")?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse().ok() } else { None }
    });
    status.zip(length).with_context(|| format!("an HTTP head without status or content-length: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_in_any_case_and_order() {
        let head = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 91\r\ndate: x";
        assert_eq!(read_head(head).unwrap(), (202, 91));
        assert!(read_head(b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked").is_err());
    }
}
