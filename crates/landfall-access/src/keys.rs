//! Created keys: made, revoked, and read from the catalog into the gate's
//! memory: at once on this node, and on the others when the wiring is woken and asks anew.

use landfall_catalog::Catalog;
use landfall_model::{Error, ErrorKind, Result};

use crate::decide::CreatedKey;
use crate::gate::Gate;
use crate::key::{KeyGrant, Secret, Verifier, check_name};

/// The grants of a key, as the catalog keeps them: a JSON list of their texts.
pub fn grants_of(text: &str) -> Result<Vec<KeyGrant>> {
    serde_json::from_str(text)
        .map_err(|error| Error::new(ErrorKind::Corrupt, format!("the catalog holds grants that cannot be read: {error}")))
}

impl Gate {
    /// Reads the keys anew.
    pub async fn refresh_keys(&self, catalog: &Catalog) -> Result<()> {
        let mut keys = Vec::new();
        for record in catalog.keys().await?.into_iter().filter(|record| record.revoked_at.is_none()) {
            let verifier = Verifier::from_hex(&record.verifier).ok_or_else(|| {
                Error::new(ErrorKind::Corrupt, format!("the catalog's verifier of the key `{}` cannot be read", record.name))
            })?;
            let secret = record.sealed.as_deref().and_then(|sealed| self.master().open(&record.name, sealed));
            if record.sealed.is_some() && secret.is_none() {
                tracing::warn!(key = record.name, "the secret of a key does not open with this node's master key: it signs nothing here");
            }
            keys.push(CreatedKey { grants: grants_of(&record.grants)?, name: record.name, verifier, secret });
        }
        self.set_keys(keys);
        Ok(())
    }

    /// Makes a key and keeps its verifier, and its secret under the master key.
    pub async fn create_key(&self, catalog: &Catalog, name: &str, grants: &[KeyGrant]) -> Result<Secret> {
        check_name(name)?;
        let secret = Secret::new(catalog.clock());
        let grants = serde_json::to_string(grants).map_err(|error| Error::internal("writing the grants of a key", error))?;
        let sealed = self.master().seal(catalog.clock(), name, &secret)?;
        catalog.create_key(name, &Verifier::of(secret.reveal()).to_hex(), &sealed, &grants).await?;
        self.refresh_keys(catalog).await?;
        Ok(secret)
    }

    /// Revokes a key; on this node it opens nothing from the moment that this returns.
    pub async fn revoke_key(&self, catalog: &Catalog, name: &str) -> Result<()> {
        catalog.revoke_key(name).await?;
        self.refresh_keys(catalog).await
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::{Clock, Principal, Source};

    use super::*;
    use crate::context::Credentials;
    use crate::master::MasterKey;

    #[tokio::test]
    async fn a_key_opens_what_it_was_granted_until_it_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&format!("sqlite:{}", folder.path().join("catalog.db").display()), Clock::system()).await.unwrap();
        let gate_of = |byte| Gate::new("0123456789abcdef", MasterKey::of(&[byte; 32]).unwrap());
        let gate = gate_of(7);
        let secret = gate.create_key(&catalog, "partner", &["*:query".parse().unwrap()]).await.unwrap();
        let show =
            |gate: &Gate| gate.authenticate(Credentials::Bearer(secret.reveal()), Source::Http, None).map(|context| context.principal);
        assert_eq!(show(&gate).unwrap(), Principal::Key("partner".into()));
        let again = gate.create_key(&catalog, "partner", &[]).await.unwrap_err();
        assert_eq!(again.kind, ErrorKind::Conflict);

        let other_node = gate_of(7);
        other_node.refresh_keys(&catalog).await.unwrap();
        assert!(show(&other_node).is_ok());
        assert_eq!([&gate, &other_node].map(|gate| gate.secret_of("partner")), [Some(secret.clone()), Some(secret.clone())]);
        assert_eq!(other_node.signed("partner", Source::S3, None).unwrap().principal, Principal::Key("partner".into()));
        let stranger = gate_of(8);
        stranger.refresh_keys(&catalog).await.unwrap();
        assert!(show(&stranger).is_ok() && stranger.secret_of("partner").is_none(), "another master key");

        gate.revoke_key(&catalog, "partner").await.unwrap();
        assert_eq!(show(&gate).unwrap_err().kind, ErrorKind::Unauthenticated);
        other_node.refresh_keys(&catalog).await.unwrap();
        assert!(show(&other_node).is_err());
        assert!(gate.secret_of("partner").is_none() && gate.signed("partner", Source::S3, None).is_err());
        assert_eq!(catalog.keys().await.unwrap()[0].sealed, None, "what opens nothing is not kept");
        assert_eq!(gate.revoke_key(&catalog, "nobody").await.unwrap_err().kind, ErrorKind::NotFound);
    }
}
