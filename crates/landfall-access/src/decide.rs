//! The one decision: may this caller do that? Pure, so that it can be tested
//! as a table. Denied unless granted.

use std::collections::HashMap;

use landfall_model::{Action, DatasetName, Grant, Grantee, Principal};

use crate::context::Context;
use crate::key::{KeyGrant, Secret, Verifier};

/// A created key that is not revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedKey {
    pub name: String,
    pub verifier: Verifier,
    /// Where it could be opened.
    pub secret: Option<Secret>,
    pub grants: Vec<KeyGrant>,
}

/// Everything that is granted, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What the configuration of each dataset grants.
    pub datasets: HashMap<DatasetName, Vec<Grant>>,
    /// Created keys by name.
    pub keys: HashMap<String, CreatedKey>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Granted,
    /// Only for keys of files that begin with one of these. Given only where no key was asked about.
    Under(Vec<String>),
    Denied,
}

/// Whether `context` may do `action` to `dataset` (to the whole system if `None`), and there to the file
/// `key` (to the dataset as a whole if `None`).
pub fn decide(access: &Access, context: &Context, action: Action, dataset: Option<&DatasetName>, key: Option<&str>) -> Decision {
    if context.admin || granted_to_key(access, context, action, dataset) {
        return Decision::Granted;
    }
    let grants = dataset.and_then(|name| access.datasets.get(name)).map(Vec::as_slice).unwrap_or_default();
    let mut prefixes = Vec::new();
    for grant in grants.iter().filter(|grant| grant.allow.contains(&action) && is_for(&grant.to, context)) {
        match (&grant.under, key) {
            (None, _) => return Decision::Granted,
            (Some(under), Some(key)) if key.starts_with(under.as_str()) => return Decision::Granted,
            (Some(_), Some(_)) => {}
            (Some(under), None) => prefixes.push(under.clone()),
        }
    }
    if prefixes.is_empty() { Decision::Denied } else { Decision::Under(prefixes) }
}

fn granted_to_key(access: &Access, context: &Context, action: Action, dataset: Option<&DatasetName>) -> bool {
    let Principal::Key(name) = &context.principal else { return false };
    let Some(record) = access.keys.get(name) else { return false };
    record.grants.iter().any(|grant| grant.allow.contains(&action) && grant.covers(dataset))
}

fn is_for(grantee: &Grantee, context: &Context) -> bool {
    match grantee {
        // What anyone may do without a key, a caller with one may do as well.
        Grantee::Principal(Principal::Anonymous) => true,
        Grantee::Principal(principal) => *principal == context.principal,
        Grantee::Group(group) => context.groups.contains(group),
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::Source;

    use super::*;

    fn name(text: &str) -> DatasetName {
        text.parse().unwrap()
    }

    fn grant(to: &str, allow: &[Action], under: Option<&str>) -> Grant {
        Grant { to: to.parse().unwrap(), allow: allow.to_vec(), under: under.map(str::to_owned) }
    }

    fn access() -> Access {
        let orders = vec![
            grant("key:partner", &[Action::Land, Action::List], Some("partner/")),
            grant("group:analysts", &[Action::Query], None),
            grant("anonymous", &[Action::Read], Some("public/")),
        ];
        let reader = CreatedKey {
            name: "reader".into(),
            verifier: Verifier::of("lfk_reader"),
            secret: None,
            grants: vec!["orders:query".parse().unwrap(), "*:list,read".parse().unwrap()],
        };
        Access { datasets: [(name("orders"), orders)].into(), keys: [("reader".to_owned(), reader)].into() }
    }

    fn caller(principal: &str, groups: &[&str]) -> Context {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Context { principal: principal.parse().unwrap(), groups, ..Context::anonymous(Source::Http) }
    }

    #[test]
    fn denied_unless_granted() {
        let access = access();
        let under = |prefix: &str| Decision::Under(vec![prefix.to_owned()]);
        let table = [
            ("key:partner", Action::Land, "orders", Some("partner/a.csv"), Decision::Granted),
            ("key:partner", Action::Land, "orders", Some("partner"), Decision::Denied),
            ("key:partner", Action::Land, "orders", Some("other/a.csv"), Decision::Denied),
            ("key:partner", Action::List, "orders", None, under("partner/")),
            ("key:partner", Action::Land, "orders", None, under("partner/")),
            ("key:partner", Action::Query, "orders", None, Decision::Denied),
            ("key:partner", Action::Land, "others", Some("partner/a.csv"), Decision::Denied),
            ("key:partner", Action::Read, "orders", Some("public/x"), Decision::Granted),
            ("key:reader", Action::Query, "orders", None, Decision::Granted),
            ("key:reader", Action::Query, "others", None, Decision::Denied),
            ("key:reader", Action::Read, "others", Some("x"), Decision::Granted),
            ("key:nobody", Action::Query, "orders", None, Decision::Denied),
            ("anonymous", Action::Read, "orders", Some("public/x"), Decision::Granted),
            ("anonymous", Action::Read, "orders", Some("private/x"), Decision::Denied),
            ("anonymous", Action::Query, "orders", None, Decision::Denied),
        ];
        for (principal, action, dataset, key, expected) in table {
            let decision = decide(&access, &caller(principal, &[]), action, Some(&name(dataset)), key);
            assert_eq!(decision, expected, "{principal} {action} {dataset} {key:?}");
        }
    }

    #[test]
    fn a_group_counts_for_its_members_only() {
        let ask = |groups: &[&str]| decide(&access(), &caller("oidc:ann", groups), Action::Query, Some(&name("orders")), None);
        assert_eq!((ask(&["analysts"]), ask(&["others"])), (Decision::Granted, Decision::Denied));
    }

    #[test]
    fn the_system_itself_is_for_the_administrator_and_keys_granted_everything() {
        let mut access = access();
        let ask = |access: &Access, context: &Context| decide(access, context, Action::Administer, None, None);
        assert_eq!(ask(&access, &caller("key:reader", &[])), Decision::Denied);
        assert_eq!(ask(&access, &Context::administrator(Source::Http)), Decision::Granted);
        access.keys.get_mut("reader").unwrap().grants = vec!["*:administer".parse().unwrap()];
        assert_eq!(ask(&access, &caller("key:reader", &[])), Decision::Granted);
        access.keys.get_mut("reader").unwrap().grants = vec!["orders:administer".parse().unwrap()];
        assert_eq!(ask(&access, &caller("key:reader", &[])), Decision::Denied);
    }

    /// A key that the configuration names cannot be impersonated by a subject or a group of the same name.
    #[test]
    fn names_of_different_kinds_do_not_mix() {
        let ask =
            |principal: &str| decide(&access(), &caller(principal, &["partner"]), Action::Land, Some(&name("orders")), Some("partner/a"));
        assert_eq!((ask("key:partner"), ask("oidc:partner")), (Decision::Granted, Decision::Denied));
    }
}
