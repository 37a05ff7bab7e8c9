//! How many bytes of bodies one node holds in memory while they are read and
//! landed. It grows with what has come, not with what was declared, so that a
//! client cannot take room by promising.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use landfall_model::{Error, ErrorKind, Result, limits};

/// Cloning shares it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Bytes>);

#[derive(Debug)]
struct Bytes {
    max: usize,
    held: AtomicUsize,
}

/// What one body holds; dropping it gives it back.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new(limits::BODIES_BYTES_MAX)
    }
}

impl Budget {
    pub fn new(max: usize) -> Budget {
        Budget(Arc::new(Bytes { max, held: AtomicUsize::new(0) }))
    }

    /// A reservation of nothing.
    pub fn reserve(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }
}

impl Reservation {
    /// Takes `bytes` more, or refuses with `Overloaded`.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let Bytes { max, held } = &*self.budget.0;
        // Counted before it is compared, so that of two that ask at once not both get the last room.
        self.bytes += bytes;
        if held.fetch_add(bytes, Ordering::Relaxed) + bytes <= *max {
            return Ok(());
        }
        let message = format!("bodies of {max} bytes are in memory on this node, and no more fit: send it again in a moment");
        Err(Error::new(ErrorKind::Overloaded, message))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::new(10);
        let (mut first, mut second) = (budget.reserve(), budget.reserve());
        assert!(first.grow(6).is_ok());
        assert_eq!(second.grow(5).unwrap_err().kind, ErrorKind::Overloaded);
        drop((first, second));
        assert!(budget.reserve().grow(10).is_ok());
    }
}
