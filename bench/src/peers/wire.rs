//! A plain connection with a read buffer: what every client here stands on.

use anyhow::{Context, Result, bail};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Wire {
    pub async fn connect(port: u16) -> Result<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Wire { stream, buffer: vec![0; 64 << 10], start: 0, end: 0 })
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.context("sending")
    }

    /// What has arrived and was not taken yet.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub fn take(&mut self, count: usize) {
        self.start += count;
        if self.start >= self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Waits for more bytes.
    pub async fn more(&mut self) -> Result<()> {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            if self.end == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let got = self.stream.read(&mut self.buffer[self.end..]).await.context("receiving")?;
        if got == 0 {
            bail!("the server closed the connection; before that it said {:?}", String::from_utf8_lossy(self.bytes()));
        }
        self.end += got;
        Ok(())
    }

    /// Waits until this many bytes are there.
    pub async fn at_least(&mut self, count: usize) -> Result<()> {
        while self.end - self.start < count {
            self.more().await?;
        }
        Ok(())
    }

    /// Waits for a line that ends in CRLF; its length without that.
    pub async fn line(&mut self) -> Result<usize> {
        self.until(b"\r\n").await
    }

    /// Waits for `mark`; the bytes before it.
    pub async fn until(&mut self, mark: &[u8]) -> Result<usize> {
        loop {
            if let Some(at) = memmem::find(self.bytes(), mark) {
                return Ok(at);
            }
            self.more().await?;
        }
    }
}
