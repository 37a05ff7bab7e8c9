//! Standard output and standard error: whether a person looks at them, how
//! wide they are, and writing to them.

use std::io::{self, IsTerminal, Write};

use crate::commands::Failure;

/// Where answers go. Answers are written to standard output, remarks to standard error.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Standard output is a terminal.
    pub terminal: bool,
    pub color: bool,
    /// Columns of the terminal; `None` where there is none, and then nothing is cut.
    pub width: Option<u16>,
}

impl Screen {
    pub fn detect() -> Screen {
        let terminal = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal.then(|| terminal_width().unwrap_or(80));
        Screen { terminal, color: terminal && !plain, width }
    }

    /// Writes text as it is.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    pub fn line(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        Ok(out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n"))?)
    }

    pub fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        Ok(out.write_all(bytes).and_then(|()| out.flush())?)
    }

    /// A remark that is not part of the answer.
    pub fn note(&self, text: &str) {
        // Nobody may be reading standard error; the answer does not depend on it.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    pub fn bold(&self, text: &str) -> String {
        if self.color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn dim(&self, text: &str) -> String {
        if self.color { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn terminal_width() -> Option<u16> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}
