//! The rules that a value alone cannot break: what columns may be called, how
//! CSV settings stand to each other, what URLs look like, whether a grant does
//! anything.

use futures::executor::block_on;
use landfall_model::{Column, Columns, CsvSettings, Grantee, Principal, limits};
use landfall_store::StoreUrl;
use landfall_tables::stage::Transform;

use super::file::{DatasetSection, File};
use super::mistake::Mistakes;
use super::source::Origin;
use super::tree::Node;

pub struct Check<'a> {
    root: &'a Node,
    mistakes: &'a mut Mistakes,
    pub(super) warnings: Vec<String>,
}

/// Reports every broken rule; what is allowed and has no effect yet comes back as warnings.
pub fn check(file: &File, root: &Node, mistakes: &mut Mistakes) -> Vec<String> {
    let mut check = Check { root, mistakes, warnings: Vec::new() };
    check.urls(file);
    for (name, section) in &file.datasets {
        check.dataset(name.as_str(), section);
    }
    for (name, section) in &file.schedules {
        check.schedule(name, section, file);
    }
    check.warnings
}

impl Check<'_> {
    /// A mistake at the value that `path` leads to, or at the nearest thing around it.
    pub(super) fn wrong(&mut self, path: &[&str], message: impl Into<String>) {
        let near = (0..=path.len()).rev().find_map(|length| self.root.find(&path[..length]));
        let origin = near.map_or_else(|| Origin::Named("configuration".into()), |node| node.origin.clone());
        self.mistakes.add(&origin, message);
    }

    fn urls(&mut self, file: &File) {
        if file.data.is_empty() {
            self.wrong(&["data"], "`data` cannot be empty: it names a folder");
        }
        if let Some(flaw) = file.public_url.as_deref().and_then(flaw_of_public_url) {
            self.wrong(&["public_url"], flaw);
        }
        if let Some(flaw) = file.catalog.url.as_deref().and_then(flaw_of_catalog_url) {
            self.wrong(&["catalog", "url"], flaw);
        }
        if let Some(Err(error)) = file.store.url.as_deref().map(str::parse::<StoreUrl>) {
            self.wrong(&["store", "url"], error.message);
        }
        self.archive(file);
    }

    /// An archive and the datasets that use it need each other.
    fn archive(&mut self, file: &File) {
        let users: Vec<_> = file.datasets.iter().filter(|(_, section)| section.archive_after.is_some()).collect();
        match &file.store.archive {
            Some(archive) => {
                if let Err(error) = archive.url.parse::<StoreUrl>() {
                    self.wrong(&["store", "archive", "url"], error.message);
                } else if Some(&archive.url) == file.store.url.as_ref() {
                    self.wrong(
                        &["store", "archive", "url"],
                        "the archive cannot be the store itself: name another bucket, prefix or folder",
                    );
                }
                if users.is_empty() {
                    self.wrong(&["store", "archive"], "no dataset has `archive_after`, so nothing would ever move to the archive");
                }
            }
            None => {
                for (name, _) in &users {
                    let path = ["datasets", name.as_str(), "archive_after"];
                    self.wrong(&path, "there is no archive to move to: name one with `url` in [store.archive]");
                }
            }
        }
        for (name, section) in users {
            if section.retention.is_some_and(|retention| section.archive_after.is_some_and(|after| after >= retention)) {
                let path = ["datasets", name.as_str(), "archive_after"];
                self.wrong(&path, "nothing would ever move to the archive: `retention` ends first");
            }
        }
    }

    fn dataset(&mut self, name: &str, section: &DatasetSection) {
        if let Some(columns) = &section.columns {
            self.columns(&["datasets", name, "columns"], &columns.0);
        }
        self.csv(name, &section.csv);
        self.grants(name, section);
        if let Some(sql) = &section.transform {
            self.transform(name, sql, section.columns.as_ref().map(|columns| columns.0.as_slice()));
        }
    }

    fn columns(&mut self, path: &[&str], columns: &[Column]) {
        if columns.is_empty() {
            self.wrong(path, "`columns` names no column; leave it out to have the types inferred");
        }
        if columns.len() > limits::COLUMNS_MAX {
            self.wrong(path, format!("a table has at most {} columns, and here are {}", limits::COLUMNS_MAX, columns.len()));
        }
        for column in columns {
            if let Some(flaw) = Columns::flaw(&column.name) {
                self.wrong(&[path, &[&column.name]].concat(), flaw);
            }
        }
    }

    /// A transform can be planned here where its input's columns are declared; else when they are inferred.
    fn transform(&mut self, name: &str, sql: &str, columns: Option<&[Column]>) {
        let path = ["datasets", name, "transform"];
        if sql.trim().is_empty() {
            return self.wrong(&path, "`transform` is empty; leave it out to load the records as they are");
        }
        let Some(columns) = columns else { return };
        // Planning waits for nothing outside, so that it can be done here and now.
        if let Err(error) = block_on(Transform::check(sql, columns, false)) {
            self.wrong(&path, error.message);
        } else if let Err(error) = block_on(Transform::check(sql, columns, true)) {
            self.warnings.push(format!("{name} takes files and no events: {}", error.message));
        }
    }

    fn csv(&mut self, name: &str, csv: &CsvSettings) {
        for (key, value) in [("delimiter", csv.delimiter), ("quote", csv.quote)] {
            let bad = value.filter(|c| !c.is_ascii() || matches!(c, '\n' | '\r' | '\0'));
            if let Some(c) = bad {
                let message = format!("`{key}` must be one ASCII character and not a line break, not {c:?}");
                self.wrong(&["datasets", name, "csv", key], message);
            }
        }
        let (delimiter, quote) = (csv.delimiter, csv.quote.unwrap_or('"'));
        if delimiter == Some(quote) {
            let key = if csv.quote.is_some() { "quote" } else { "delimiter" };
            let message = format!("`delimiter` and `quote` are both {quote:?}; fields could not be told apart");
            self.wrong(&["datasets", name, "csv", key], message);
        }
    }

    fn grants(&mut self, name: &str, section: &DatasetSection) {
        for grant in &section.grants {
            if grant.allow.is_empty() {
                let message = format!("the grant to `{}` allows nothing; name actions, or take it out", grant.to);
                self.wrong(&["datasets", name, "grants"], message);
            }
            if grant.under.as_deref() == Some("") {
                let message = format!("`under` of the grant to `{}` is empty and so holds back nothing; take it out", grant.to);
                self.wrong(&["datasets", name, "grants"], message);
            }
            if matches!(grant.to, Grantee::Group(_) | Grantee::Principal(Principal::Oidc(_))) {
                self.warnings.push(format!("the grant on {name} to {} waits: OIDC sign-in is not built yet in this version", grant.to));
            }
        }
    }
}

fn flaw_of_public_url(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fits = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', ' ']));
    (!fits).then(|| format!("`{text}` cannot be the public URL: it begins with `https://` or `http://` and a host, and has no `?` or `#`"))
}

fn flaw_of_catalog_url(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("the URL of the catalog cannot be empty; leave it out for SQLite under `data`".into());
    }
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    let known = matches!(scheme, "" | "postgres" | "postgresql");
    (!known)
        .then(|| format!("`{text}` cannot be the URL of a catalog: `{scheme}` is none; write `postgres://user@host/db` or `sqlite:PATH`"))
}
