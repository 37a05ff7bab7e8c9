//! What is asked of every peer, in this order.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Each of `clients` sends `batch` events in one request, waits for the answer, and sends again.
    Closed { clients: usize, batch: usize },
    /// Single events at half the best rate that the peer had in the closed loop.
    HalfPeak { clients: usize },
}

pub const SINGLE: [Case; 3] =
    [Case::Closed { clients: 1, batch: 1 }, Case::Closed { clients: 8, batch: 1 }, Case::Closed { clients: 64, batch: 1 }];

pub const CASES: [Case; 8] = [
    SINGLE[0],
    SINGLE[1],
    SINGLE[2],
    Case::HalfPeak { clients: 64 },
    Case::Closed { clients: 4, batch: 100 },
    Case::Closed { clients: 16, batch: 100 },
    Case::Closed { clients: 4, batch: 1000 },
    Case::Closed { clients: 16, batch: 1000 },
];

impl Case {
    pub fn label(self) -> String {
        match self {
            Case::Closed { clients: 1, batch: 1 } => "1 client".into(),
            Case::Closed { clients, batch: 1 } => format!("{clients} clients"),
            Case::Closed { clients, batch } => {
                format!("{clients} clients, {} a request", crate::numbers::thousands(crate::numbers::float(batch as u64)))
            }
            Case::HalfPeak { .. } => "half the peak, open loop".into(),
        }
    }
}
