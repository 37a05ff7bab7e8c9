//! The catalog on PostgreSQL: each lane is a thread with one connection of its
//! own, and one more connection carries the wake-ups between nodes.

mod address;
mod error;
mod lane;
mod notifier;
mod session;
mod tls;
mod tx;
mod value;

use std::sync::Arc;
use std::thread::JoinHandle;

use landfall_model::{Clock, Result, limits};

use super::database::Lanes;
use super::spawn;
use super::statistics::Counters;
use crate::migrate::Schema;
use crate::notify::Listeners;

pub(super) use notifier::Notifier;
pub(super) use tx::PostgresTx;

/// Connects, migrates and starts the threads that serve `lanes`. Blocks.
pub(super) fn start(
    url: &str,
    schema: Schema,
    clock: &Clock,
    lanes: &Lanes,
    counters: &Arc<Counters>,
    listeners: &Arc<Listeners>,
) -> Result<(Vec<JoinHandle<()>>, Notifier)> {
    let address = address::Address::of(url)?;
    lane::migrate(&address, schema, clock)?;
    let landing = std::iter::once(("catalog-land", lane::Access::Write, &lanes.landing));
    let write = std::iter::repeat_n(("catalog-write", lane::Access::Write, &lanes.write), limits::CATALOG_WRITE_LANES);
    let read = std::iter::repeat_n(("catalog-read", lane::Access::Read, &lanes.read), limits::CATALOG_READ_LANES);
    let mut threads = Vec::new();
    for (name, access, queue) in landing.chain(write).chain(read) {
        let lane = lane::Lane::new(&address, access, clock, counters)?;
        let queue = Arc::clone(queue);
        threads.push(spawn(name, move || lane.serve(&queue))?);
    }
    let (notifier, thread) = notifier::start(address, listeners)?;
    threads.push(thread);
    Ok((threads, notifier))
}
