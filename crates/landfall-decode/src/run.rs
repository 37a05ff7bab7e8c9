//! What the decoders of all formats share while one input is decoded or
//! surveyed: the batch being built, where it goes, and the survey once a name
//! came up that the table does not have.

use landfall_model::{Columns, Error, Result};

use crate::build::{Batch, Cells, Flawed};
use crate::input::{Member, format};
use crate::survey::Survey;
use crate::{Content, Decoded, Options, Outcome, csv, input, json};

pub struct Run<'a> {
    pub options: &'a Options<'a>,
    pub columns: &'a Columns,
    pub batch: Batch<'a>,
    /// Once there is one, nothing more is emitted.
    pub survey: Option<Survey>,
    /// The archive's member being read.
    pub member: Option<String>,
    sink: &'a mut dyn FnMut(Decoded) -> Result<()>,
}

impl<'a> Run<'a> {
    pub fn new(options: &'a Options<'a>, columns: &'a Columns, sink: &'a mut dyn FnMut(Decoded) -> Result<()>) -> Run<'a> {
        Run { options, columns, batch: Batch::new(columns), survey: None, member: None, sink }
    }

    /// Reads the whole input.
    pub fn read(&mut self, source: Box<dyn input::Input>) -> Result<()> {
        match self.options.content {
            Content::Events => self.text(input::plain(source)?, Some(format::Format::Lines))?,
            Content::File => input::members(source, self.options.csv, &mut |member| self.member(member))?,
        }
        self.flush()
    }

    /// Reads one member; false if no more are to be read.
    fn member(&mut self, member: Member<'_>) -> Result<bool> {
        self.member = member.name;
        let name = self.member.clone();
        self.text(member.text, None).map_err(|error| match &name {
            Some(name) => error.while_(name),
            None => error,
        })?;
        Ok(!self.survey.as_ref().is_some_and(Survey::is_done))
    }

    fn text(&mut self, mut text: input::Window<'_>, told: Option<format::Format>) -> Result<()> {
        text.fill(1)?;
        let name = self.member.clone().or_else(|| self.options.file_name.map(str::to_owned));
        let format = match told {
            Some(format) => format,
            None => format::tell(text.bytes(), name.as_deref())?,
        };
        match format {
            format::Format::Empty => skip_space(&mut text)?,
            format::Format::Csv => csv::read(&mut text, name.as_deref(), self)?,
            format::Format::Lines => json::read(&mut text, json::Framing::Lines, self)?,
            format::Format::Array => json::read(&mut text, json::Framing::Array, self)?,
            format::Format::Objects => json::read(&mut text, json::Framing::Objects, self)?,
        }
        self.batch.summary.bytes += text.offset();
        Ok(())
    }

    /// Takes a block of records that is at `offset` of the text; a batch that is full goes to the sink.
    pub fn take<C: Cells>(&mut self, cells: &C, flawed: &[Flawed], sources: &[Option<usize>], offset: u64) -> Result<()> {
        self.batch.take(cells, flawed, sources, offset, self.member.as_deref());
        if self.batch.room() == 0 { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.survey.is_some() {
            return Ok(());
        }
        match self.batch.finish()? {
            Some(decoded) => (self.sink)(decoded),
            None => Ok(()),
        }
    }

    pub fn outcome(self) -> Outcome {
        match self.survey {
            Some(survey) => Outcome::NewColumns(survey.finish(self.options.content == Content::Events)),
            None => Outcome::Done(self.batch.summary),
        }
    }
}

/// A text that begins with a window of white space must go on so, or it is a file that says nothing for too long.
fn skip_space(text: &mut input::Window<'_>) -> Result<()> {
    let mut line = 1;
    loop {
        if !text.bytes().trim_ascii_start().is_empty() {
            let message = "the file begins with a long stretch of white space and then holds something; take the white space out";
            return Err(Error::new(landfall_model::ErrorKind::UnknownFormat, message));
        }
        line += memchr::memchr_iter(b'\n', text.bytes()).count() as u64;
        text.consume(usize::MAX);
        if text.ended() {
            return Ok(());
        }
        text.fill(line)?;
    }
}
