//! The seam between decoders and columns.

/// One value, as it stands in its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    Null,
    /// A field of CSV, without its quotes.
    Field(&'a [u8]),
    /// A JSON string: what it stands for, and how it is written.
    String {
        text: &'a [u8],
        raw: &'a [u8],
    },
    /// A JSON number, `true` or `false`.
    Scalar(&'a [u8]),
    /// A JSON array or object.
    Nested(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// The value as text, if it is not null.
    #[inline]
    pub fn text(self) -> Option<&'a [u8]> {
        match self {
            Cell::Null => None,
            Cell::Field(text) | Cell::String { text, .. } | Cell::Scalar(text) | Cell::Nested(text) => Some(text),
        }
    }

    /// The value as a message shows it: what is text in quotes, the rest as it is written.
    pub fn shown(self) -> String {
        match self {
            Cell::Null => "null".into(),
            Cell::Field(text) | Cell::String { text, .. } => format!("\"{}\"", crate::value::shown(text)),
            Cell::Scalar(raw) | Cell::Nested(raw) => crate::value::shown(raw),
        }
    }
}

/// A block of records, seen as a table of cells.
pub trait Cells {
    /// Records in the block.
    fn rows(&self) -> usize;

    /// The cell of a record in the input's own column `source`. `text`: the table's column holds text, for which fewer
    /// values mean null. `scratch` holds what cannot be borrowed from the block.
    fn cell<'a>(&'a self, row: usize, source: usize, text: bool, scratch: &'a mut Vec<u8>) -> Cell<'a>;

    /// Physical line on which the record starts.
    fn line(&self, row: usize) -> u64;

    /// The raw record as a range of the block, without what parts it from the next.
    fn span(&self, row: usize) -> std::ops::Range<usize>;

    /// The block that spans are in.
    fn block(&self) -> &[u8];
}
