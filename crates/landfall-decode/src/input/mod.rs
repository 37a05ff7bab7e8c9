//! From what was landed to text: containers are unpacked, encodings become
//! UTF-8, and both are told by their first bytes. What comes out is a
//! `Window` on each member's text; whatever the input says about itself is
//! bounded here.

mod archive;
mod container;
mod encoding;
pub mod format;
mod guard;
mod window;

use std::io::{self, Read, Seek};

use landfall_model::{CsvSettings, Error, Result};

pub use window::Window;

/// What can be decoded: a file of the store, or bytes in memory.
pub trait Input: Read + Seek + Send {}

impl<T: Read + Seek + Send> Input for T {}

/// One text of the input: the whole of it, or one file of an archive.
pub struct Member<'a> {
    /// Its name, where an archive gives one.
    pub name: Option<String>,
    pub text: Window<'a>,
}

/// Calls `visit` with each member, in the order of their names, until it says `false`.
pub fn members(input: Box<dyn Input>, csv: &CsvSettings, visit: &mut dyn FnMut(Member<'_>) -> Result<bool>) -> Result<()> {
    let mut source = guard::Source::new(input)?;
    match container::tell(&mut source)? {
        container::Container::Zip => archive::members(source, csv, visit),
        other => {
            let bytes = container::open(source, other)?;
            visit(Member { name: None, text: encoding::text(bytes, csv)? }).map(|_| ())
        }
    }
}

/// Plain text in UTF-8, as events are kept.
pub fn plain(input: Box<dyn Input>) -> Result<Window<'static>> {
    let source = guard::Source::new(input)?;
    let size = source.size();
    Ok(Window::sized(Box::new(source), size))
}

/// An error that came through `Read`, with its own kind where one of ours was wrapped on the way.
fn read_error(error: io::Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(ours) => ours.clone(),
        None => Error::unavailable("reading the landing", error),
    }
}

/// The error of a text that breaks off in the record that starts there. Surroundings that fail say nothing about the text.
fn broken_off(error: Error, line: u64, byte_offset: u64) -> Error {
    if error.kind.is_passing() { error } else { error.at(line, byte_offset) }
}
