//! Those who take events: Landfall and its peers, each started afresh in an empty folder with every acknowledgement
//! durable, each spoken to by a client of our own over a plain connection, so that no client library decides a race.

mod event;
mod http;
mod landfall;
mod nats;
mod postgres;
mod postgres_client;
mod redis;
mod wire;

use anyhow::Result;
use clap::ValueEnum;

use crate::fsync::SlowDisk;
use crate::process::Server;
pub use event::{BYTES as EVENT_BYTES, Events, id as event_id};
pub use landfall::{ALL_ROLES, Landfall, count_events, events_dataset, version as landfall_version};
pub use postgres::{Postgres, version as postgres_version};
pub use postgres_client::Session;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// All roles: what lands is loaded into its table at the same time.
    Landfall,
    /// Without the role `work`: events are acknowledged and answered, nothing is loaded.
    LandfallIdle,
    Redis,
    Postgres,
    Nats,
}

/// A peer that runs.
pub struct Peer {
    pub kind: Kind,
    port: u16,
    server: Server,
}

/// Where a peer takes events.
#[derive(Clone, Copy)]
pub struct Door {
    kind: Kind,
    port: u16,
}

/// One connection to a peer: one request at a time, the next after the answer.
pub enum Client {
    Landfall(http::Client),
    Redis(redis::Client),
    Postgres(postgres_client::Client),
    Nats(nats::Client),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Every event of the request is durable.
    Acked,
    /// The peer pushes back, and nothing of the request was taken.
    Refused,
}

impl Kind {
    pub fn label(self) -> &'static str {
        match self {
            Kind::Landfall => "Landfall",
            Kind::LandfallIdle => "Landfall, loader off",
            Kind::Redis => "Redis",
            Kind::Postgres => "PostgreSQL",
            Kind::Nats => "NATS",
        }
    }

    pub fn is_landfall(self) -> bool {
        matches!(self, Kind::Landfall | Kind::LandfallIdle)
    }

    /// Whether a library that wraps the C library's fsync reaches it: a static Go program calls the kernel itself.
    pub fn syncs_through_libc(self) -> bool {
        self != Kind::Nats
    }

    /// What it is and how it is set, for the report.
    pub async fn version(self) -> Result<String> {
        Ok(match self {
            Kind::Landfall => format!("{}, all roles, embedded catalog and store", landfall::version().await?),
            Kind::LandfallIdle => "the same with `--roles ingest,query`".to_owned(),
            Kind::Redis => redis::version().await?,
            Kind::Postgres => format!("{}; prepared `INSERT` into a `text` column, batches as one array", postgres::version().await?),
            Kind::Nats => nats::version().await?,
        })
    }
}

impl Peer {
    pub async fn start(kind: Kind, slow: Option<&SlowDisk>) -> Result<Peer> {
        let (server, port) = match kind {
            Kind::Landfall => landfall::start_for_events(landfall::ALL_ROLES, slow).await?,
            Kind::LandfallIdle => landfall::start_for_events("ingest,query", slow).await?,
            Kind::Redis => redis::start(slow).await?,
            Kind::Postgres => Postgres::start_for_events(slow).await?,
            Kind::Nats => nats::start().await?,
        };
        Ok(Peer { kind, port, server })
    }

    pub fn door(&self) -> Door {
        Door { kind: self.kind, port: self.port }
    }

    /// The events it holds, by its own count.
    pub async fn count(&self) -> Result<u64> {
        match self.kind {
            Kind::Landfall | Kind::LandfallIdle => landfall::count_events(self.port).await,
            Kind::Redis => redis::count(self.port).await,
            Kind::Postgres => postgres::count(self.port).await,
            Kind::Nats => nats::count(self.port).await,
        }
    }

    pub async fn stop(self) -> Result<()> {
        self.server.stop().await.map(drop)
    }

    pub fn log_end(&self) -> String {
        self.server.log_end()
    }
}

impl Door {
    pub async fn connect(self) -> Result<Client> {
        Ok(match self.kind {
            Kind::Landfall | Kind::LandfallIdle => Client::Landfall(http::Client::connect(self.port).await?),
            Kind::Redis => Client::Redis(redis::Client::connect(self.port).await?),
            Kind::Postgres => Client::Postgres(postgres_client::Client::connect(self.port).await?),
            Kind::Nats => Client::Nats(nats::Client::connect(self.port).await?),
        })
    }
}

impl Client {
    /// Makes the next request, of the events that come next; not part of the time that is measured.
    pub fn prepare(&mut self, events: &mut Events, count: usize) -> Result<()> {
        match self {
            Client::Landfall(client) => client.prepare(events, count),
            Client::Redis(client) => client.prepare(events, count),
            Client::Postgres(client) => client.prepare(events, count)?,
            Client::Nats(client) => client.prepare(events, count),
        }
        Ok(())
    }

    /// Sends what was prepared and waits until the peer has answered for all of it.
    pub async fn send(&mut self) -> Result<Answer> {
        match self {
            Client::Landfall(client) => client.send().await,
            Client::Redis(client) => client.send().await,
            Client::Postgres(client) => client.send().await,
            Client::Nats(client) => client.send().await,
        }
    }
}
