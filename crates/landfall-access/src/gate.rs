//! The gate: one handle that every door asks. It holds what is granted in
//! memory, so that asking costs no catalog read.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use landfall_model::{Action, Dataset, DatasetName, Error, ErrorKind, Principal, Result, Source};
use parking_lot::RwLock;

use crate::context::{ADMIN, Context, Credentials, RequestId};
use crate::decide::{Access, CreatedKey, Decision, decide};
use crate::key::{Secret, Verifier};
use crate::master::MasterKey;

/// Cloning shares it.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    admin: Verifier,
    admin_secret: Secret,
    master: MasterKey,
    state: RwLock<State>,
}

struct State {
    access: Arc<Access>,
    /// Names of keys by the head of their verifiers.
    names: HashMap<[u8; 8], String>,
}

impl Gate {
    /// A gate that only knows the administrator's secret. `master` seals those that it makes.
    pub fn new(admin_secret: &str, master: MasterKey) -> Gate {
        let state = RwLock::new(State { access: Arc::default(), names: HashMap::new() });
        let (admin, admin_secret) = (Verifier::of(admin_secret), Secret::given(admin_secret.to_owned()));
        Gate(Arc::new(Shared { admin, admin_secret, master, state }))
    }

    /// Takes the grants of `datasets` in place of what was configured before.
    pub fn set_datasets<'a>(&self, datasets: impl IntoIterator<Item = &'a Dataset>) {
        let grants = datasets.into_iter().map(|dataset| (dataset.name.clone(), dataset.grants.clone())).collect();
        let mut state = self.0.state.write();
        state.access = Arc::new(Access { datasets: grants, keys: state.access.keys.clone() });
    }

    /// Takes `keys` in place of those known before.
    pub fn set_keys(&self, keys: Vec<CreatedKey>) {
        let mut state = self.0.state.write();
        state.names = keys.iter().map(|key| (key.verifier.head(), key.name.clone())).collect();
        let keys = keys.into_iter().map(|key| (key.name.clone(), key)).collect();
        state.access = Arc::new(Access { datasets: state.access.datasets.clone(), keys });
    }

    /// Turns what a caller showed into a principal. A wrong secret is refused even where none is needed.
    pub fn authenticate(&self, credentials: Credentials<'_>, source: Source, peer: Option<SocketAddr>) -> Result<Context> {
        let (principal, admin) = match credentials {
            Credentials::None => (Principal::Anonymous, false),
            Credentials::Bearer(secret) => self.known(None, secret)?,
            Credentials::Basic { user, password } => self.known(Some(user), password)?,
        };
        Ok(ungrouped(principal, admin, source, peer))
    }

    pub(crate) fn master(&self) -> &MasterKey {
        &self.0.master
    }

    /// The secret of the key `name`, to check with it what its holder has signed. `None` too where it was made before secrets
    /// were sealed, or under another master key.
    pub fn secret_of(&self, name: &str) -> Option<Secret> {
        if name == ADMIN {
            return Some(self.0.admin_secret.clone());
        }
        self.0.state.read().access.keys.get(name)?.secret.clone()
    }

    /// Who signed with the secret of the key `name`.
    pub fn signed(&self, name: &str, source: Source, peer: Option<SocketAddr>) -> Result<Context> {
        if name != ADMIN && !self.0.state.read().access.keys.contains_key(name) {
            return Err(unknown());
        }
        let (principal, admin) = (Principal::Key(name.to_owned()), name == ADMIN);
        Ok(ungrouped(principal, admin, source, peer))
    }

    /// Whose secret it is, and whether the administrator's.
    fn known(&self, name: Option<&str>, secret: &str) -> Result<(Principal, bool)> {
        let shown = Verifier::of(secret);
        let found = if self.0.admin.matches(&shown) {
            Some(ADMIN.to_owned())
        } else {
            let state = self.0.state.read();
            let known = state.names.get(&shown.head()).and_then(|name| state.access.keys.get(name));
            known.filter(|key| key.verifier.matches(&shown)).map(|key| key.name.clone())
        };
        match found.filter(|found| name.is_none_or(|name| name == found)) {
            Some(found) => {
                let admin = found == ADMIN;
                Ok((Principal::Key(found), admin))
            }
            None => Err(unknown()),
        }
    }

    /// What `context` may do; for lists, which show only what is under the prefixes granted.
    pub fn decide(&self, context: &Context, action: Action, dataset: Option<&DatasetName>, key: Option<&str>) -> Decision {
        let access = self.0.state.read().access.clone();
        decide(&access, context, action, dataset, key)
    }

    /// Refuses what is not granted: to the file `key`, or to the dataset as a whole if `None`.
    pub fn authorize(&self, context: &Context, action: Action, dataset: &DatasetName, key: Option<&str>) -> Result<()> {
        match self.decide(context, action, Some(dataset), key) {
            Decision::Granted => Ok(()),
            Decision::Under(prefixes) => {
                Err(refusal(context, action, &format!("all of `{dataset}`, only under `{}`", prefixes.join("`, `"))))
            }
            Decision::Denied => Err(refusal(context, action, &place(dataset, key))),
        }
    }

    /// Refuses who may do nothing at all in `dataset`, so that its name tells nobody else whether it is there.
    pub fn authorize_any(&self, context: &Context, dataset: &DatasetName) -> Result<()> {
        let may = |action: &Action| self.decide(context, *action, Some(dataset), None) != Decision::Denied;
        if Action::ALL.iter().any(may) { Ok(()) } else { Err(refusal(context, Action::List, &place(dataset, None))) }
    }

    /// Refuses what is not granted to the system as a whole.
    pub fn authorize_system(&self, context: &Context, action: Action) -> Result<()> {
        match self.decide(context, action, None, None) {
            Decision::Granted => Ok(()),
            Decision::Under(_) | Decision::Denied => Err(refusal(context, action, "the system")),
        }
    }
}

/// A caller who is in no group.
fn ungrouped(principal: Principal, admin: bool, source: Source, peer: Option<SocketAddr>) -> Context {
    Context { principal, groups: Arc::default(), admin, source, peer, request: RequestId::next() }
}

fn unknown() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the key is not known: it is mistyped, or it was revoked")
}

fn place(dataset: &DatasetName, key: Option<&str>) -> String {
    match key {
        None => format!("the dataset `{dataset}`"),
        Some(key) => format!("`{}` of the dataset `{dataset}`", key.escape_debug()),
    }
}

/// A caller who showed no key is asked for one; another is told what is missing.
fn refusal(context: &Context, action: Action, what: &str) -> Error {
    let verb = if action == Action::Land { "land in" } else { action.as_str() };
    match &context.principal {
        Principal::Anonymous => {
            let message = format!("`anonymous` may not {verb} {what}: show a key as `Authorization: Bearer KEY`");
            Error::new(ErrorKind::Unauthenticated, message)
        }
        principal => {
            let message = format!("`{principal}` may not {verb} {what}: nothing grants it the action `{action}` there");
            Error::new(ErrorKind::Denied, message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let gate = Gate::new("0123456789abcdef", MasterKey::of(&[7; 32]).unwrap());
        let key = |name: &str, secret: &str, grant: &str| CreatedKey {
            name: name.into(),
            verifier: Verifier::of(secret),
            secret: None,
            grants: vec![grant.parse().unwrap()],
        };
        gate.set_keys(vec![key("writer", "lfk_writer", "orders:land"), key("reader", "lfk_reader", "*:query")]);
        gate
    }

    fn who(credentials: Credentials<'_>) -> Result<(String, bool), ErrorKind> {
        let context = gate().authenticate(credentials, Source::Http, None).map_err(|error| error.kind)?;
        Ok((context.principal.to_string(), context.admin))
    }

    #[test]
    fn a_secret_names_its_principal() {
        assert_eq!(who(Credentials::None), Ok(("anonymous".into(), false)));
        assert_eq!(who(Credentials::Bearer("0123456789abcdef")), Ok(("key:admin".into(), true)));
        assert_eq!(who(Credentials::Bearer("lfk_writer")), Ok(("key:writer".into(), false)));
        assert_eq!(who(Credentials::Basic { user: "reader", password: "lfk_reader" }), Ok(("key:reader".into(), false)));
        for wrong in [
            Credentials::Bearer("lfk_nobody"),
            Credentials::Bearer(""),
            Credentials::Basic { user: "writer", password: "lfk_reader" },
            Credentials::Basic { user: "admin", password: "lfk_reader" },
        ] {
            assert_eq!(who(wrong), Err(ErrorKind::Unauthenticated));
        }
    }

    #[test]
    fn a_refusal_names_who_what_and_where() {
        let gate = gate();
        let orders: DatasetName = "orders".parse().unwrap();
        let writer = gate.authenticate(Credentials::Bearer("lfk_writer"), Source::Http, None).unwrap();
        assert!(gate.authorize(&writer, Action::Land, &orders, None).is_ok());
        let denied = gate.authorize(&writer, Action::Query, &orders, None).unwrap_err();
        assert_eq!(denied.kind, ErrorKind::Denied);
        assert_eq!(denied.message, "`key:writer` may not query the dataset `orders`: nothing grants it the action `query` there");
        let nobody = Context::anonymous(Source::Http);
        assert_eq!(gate.authorize(&nobody, Action::Land, &orders, None).unwrap_err().kind, ErrorKind::Unauthenticated);
    }

    #[test]
    fn a_revoked_key_is_unknown_at_once() {
        let gate = gate();
        gate.set_keys(Vec::new());
        let refused = gate.authenticate(Credentials::Bearer("lfk_writer"), Source::Http, None).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unauthenticated);
    }
}
