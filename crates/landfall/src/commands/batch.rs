//! Lines of events, gathered into bodies that one request carries.

/// Events of one body at the most.
const EVENTS_MAX: usize = 1_000;
/// Bytes after which a body is full.
const BYTES_MAX: usize = 1 << 20;

/// A body of NDJSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub body: Vec<u8>,
    pub events: usize,
    /// The line of the input that the body begins with, counted from 1.
    pub first_line: u64,
}

/// Gathers lines. Empty lines stay, so that the server's line numbers can be turned into the input's.
#[derive(Debug)]
pub struct Gather {
    batch: Batch,
    next_line: u64,
}

impl Default for Gather {
    fn default() -> Gather {
        Gather { batch: Batch { body: Vec::new(), events: 0, first_line: 1 }, next_line: 1 }
    }
}

impl Gather {
    /// Adds a line without its line break; gives a full batch back.
    pub fn push(&mut self, line: &[u8]) -> Option<Batch> {
        self.batch.body.extend_from_slice(line);
        self.batch.body.push(b'\n');
        self.batch.events += usize::from(!line.trim_ascii().is_empty());
        self.next_line += 1;
        let full = self.batch.events >= EVENTS_MAX || self.batch.body.len() >= BYTES_MAX;
        if full { self.take() } else { None }
    }

    /// What was gathered so far, if there is an event in it.
    pub fn take(&mut self) -> Option<Batch> {
        let next = Batch { body: Vec::new(), events: 0, first_line: self.next_line };
        let batch = std::mem::replace(&mut self.batch, next);
        (batch.events > 0).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_and_know_their_line() {
        let mut gather = Gather::default();
        let full = (0..2_500).filter_map(|_| gather.push(b"{}")).collect::<Vec<_>>();
        let rest = gather.take().unwrap();
        assert_eq!(full.iter().map(|batch| (batch.events, batch.first_line)).collect::<Vec<_>>(), [(1_000, 1), (1_000, 1_001)]);
        assert_eq!((rest.events, rest.first_line), (500, 2_001));
        assert_eq!(gather.take(), None);
        assert!(gather.push(&vec![b'x'; BYTES_MAX]).is_some());
    }

    #[test]
    fn empty_lines_are_no_events() {
        let mut gather = Gather::default();
        gather.push(b"");
        gather.push(b"  ");
        assert_eq!(gather.take(), None);
        gather.push(b"{}");
        assert_eq!(gather.take().map(|batch| (batch.events, batch.first_line)), Some((1, 3)));
    }
}
