//! Wake-ups between nodes, on a connection of their own: `notify` with at most
//! one message per topic and `NOTIFY_GAP`, and `listen` for the others' messages.
//! They are never part of a transaction, so a slow listener slows nobody's commit.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use landfall_model::{Result, limits};
use tokio::sync::{Notify, oneshot, watch};
use tokio_postgres::{AsyncMessage, Client};

use super::address::Address;
use super::error::chain;
use super::session::runtime;
use crate::notify::{Listeners, Topic};
use crate::spawn;

/// The channel in the database; the payload is the topic's name.
const CHANNEL: &str = "landfall";

pub(crate) struct Notifier(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// One bit per topic that other nodes are to hear of.
    wanted: AtomicU8,
    changed: Notify,
    closed: watch::Sender<bool>,
}

impl Notifier {
    pub(crate) fn wake(&self, topic: Topic) {
        self.0.wanted.fetch_or(1 << (topic as u8), Ordering::AcqRel);
        self.0.changed.notify_one();
    }

    pub(crate) fn close(&self) {
        self.0.closed.send_replace(true);
        self.0.changed.notify_one();
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.close();
    }
}

/// Connects, so that a node which is up also hears; then serves until closed.
pub(super) fn start(address: Address, listeners: &Arc<Listeners>) -> Result<(Notifier, JoinHandle<()>)> {
    let shared = Arc::new(Shared::default());
    let notifier = Notifier(Arc::clone(&shared));
    let runtime = runtime()?;
    let listeners = Arc::clone(listeners);
    let thread = spawn("catalog-notify", move || runtime.block_on(serve(&address, &shared, &listeners)))?;
    Ok((notifier, thread))
}

async fn serve(address: &Address, shared: &Shared, listeners: &Arc<Listeners>) {
    let mut wait = limits::BACKOFF_FIRST;
    while !*shared.closed.borrow() {
        match connect(address, listeners).await {
            Ok((client, ended)) => {
                wait = limits::BACKOFF_FIRST;
                // Whatever was said while nobody listened is not said again.
                for topic in Topic::ALL {
                    listeners.wake(topic);
                }
                send(&client, ended, shared).await;
            }
            Err(why) => {
                tracing::warn!(why = chain(&why), "wake-ups between nodes are down; polling goes on");
                pause(wait, shared).await;
                wait = (wait * 2).min(limits::CATALOG_RECONNECT_MAX);
            }
        }
    }
}

/// Waits, but not for a catalog that is being closed.
async fn pause(wait: Duration, shared: &Shared) {
    let mut closed = shared.closed.subscribe();
    // Either way the caller looks at `closed` next.
    let _ = tokio::time::timeout(wait, closed.wait_for(|closed| *closed)).await;
}

/// A connection that listens; the receiver ends with it.
async fn connect(address: &Address, listeners: &Arc<Listeners>) -> Result<(Client, oneshot::Receiver<()>), tokio_postgres::Error> {
    let (client, mut connection) = address.connect().await?;
    let (alive, ended) = oneshot::channel::<()>();
    let listeners = Arc::clone(listeners);
    // Our own messages come back too; they were heard when they were sent.
    let own = Arc::new(AtomicI32::new(0));
    let sender = Arc::clone(&own);
    tokio::spawn(async move {
        let _alive = alive;
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message
                && notification.process_id() != sender.load(Ordering::Acquire)
                && let Some(topic) = Topic::from_name(notification.payload())
            {
                listeners.wake(topic);
            }
        }
    });
    own.store(client.query_one("select pg_backend_pid()", &[]).await?.try_get(0)?, Ordering::Release);
    client.batch_execute(&format!("listen {CHANNEL}")).await?;
    Ok((client, ended))
}

/// Sends what is wanted until the connection ends or the catalog is closed.
async fn send(client: &Client, mut ended: oneshot::Receiver<()>, shared: &Shared) {
    loop {
        tokio::select! {
            _ = &mut ended => return,
            () = shared.changed.notified() => {}
        }
        let wanted = shared.wanted.swap(0, Ordering::AcqRel);
        let topics = Topic::ALL.into_iter().filter(|topic| wanted & (1 << (*topic as u8)) != 0);
        let sql = topics.map(|topic| format!("notify {CHANNEL}, '{}';", topic.name())).collect::<String>();
        if !sql.is_empty() && client.batch_execute(&sql).await.is_err() {
            return;
        }
        if *shared.closed.borrow() {
            return;
        }
        tokio::time::sleep(limits::NOTIFY_GAP).await;
    }
}
