//! API keys: a verifier, the secret under a key that is not here, and what was granted with it.

use landfall_model::{Error, ErrorKind, Result, Timestamp};

use crate::engine::{Catalog, Row, Topic};

/// A key as it is kept. `grants` is a document of the room that admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    pub name: String,
    pub verifier: String,
    /// The secret, sealed by the room that admits; `None` once it was revoked.
    pub sealed: Option<String>,
    pub grants: String,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

fn key_of(row: &Row) -> Result<KeyRecord> {
    Ok(KeyRecord {
        name: row.text(0)?.to_owned(),
        verifier: row.text(1)?.to_owned(),
        grants: row.text(2)?.to_owned(),
        created_at: Timestamp(row.int(3)?),
        revoked_at: row.opt_int(4)?.map(Timestamp),
        sealed: row.opt_text(5)?.map(str::to_owned),
    })
}

impl Catalog {
    /// All keys by name, revoked ones too.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>> {
        self.read(|tx| {
            tx.query("select name, verifier, grants, created_at, revoked_at, sealed from keys order by name", &[])?
                .iter()
                .map(key_of)
                .collect()
        })
        .await
    }

    /// Keeps a new key. A name is used once, also after it was revoked: what was done under it stays attributable.
    pub async fn create_key(&self, name: &str, verifier: &str, sealed: &str, grants: &str) -> Result<()> {
        let [name, verifier, sealed, grants] = [name, verifier, sealed, grants].map(str::to_owned);
        let now = self.clock().now();
        self.write(move |tx| {
            let sql =
                "insert into keys (name, verifier, grants, created_at, sealed) values ($1, $2, $3, $4, $5) on conflict (name) do nothing";
            let params = [name.as_str().into(), verifier.as_str().into(), grants.as_str().into(), now.into(), sealed.as_str().into()];
            if tx.execute(sql, &params)? == 1 {
                return Ok(());
            }
            Err(Error::new(ErrorKind::Conflict, format!("there is a key `{name}` already, or there was one: choose another name")))
        })
        .await?;
        self.wake(Topic::Definitions);
        Ok(())
    }

    pub async fn revoke_key(&self, name: &str) -> Result<()> {
        let (name, now) = (name.to_owned(), self.clock().now());
        self.write(move |tx| {
            if tx.execute(
                "update keys set revoked_at = coalesce(revoked_at, $2), sealed = null where name = $1",
                &[name.as_str().into(), now.into()],
            )? == 1
            {
                return Ok(());
            }
            Err(Error::new(ErrorKind::NotFound, format!("there is no key `{name}`")))
        })
        .await?;
        self.wake(Topic::Definitions);
        Ok(())
    }
}
