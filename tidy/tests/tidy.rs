//! The rules: the arrows between rooms, where SQL may stand, how long files
//! and functions may be, and that every file says what it is.
#![allow(clippy::unwrap_used, reason = "a rule that cannot be checked is broken")]

use std::collections::BTreeMap;
use std::fs;

use tidy::{longest_function, production_lines, root, sources};

/// Each room and the rooms it may import: what is upstream of it, and nothing else.
const ARROWS: &[(&str, &[&str])] = &[
    ("landfall-model", &[]),
    ("landfall-store", &["landfall-model"]),
    ("landfall-database", &["landfall-model"]),
    ("landfall-catalog", &["landfall-model", "landfall-database"]),
    ("landfall-schedules", &["landfall-model", "landfall-catalog"]),
    ("landfall-access", &["landfall-model", "landfall-store", "landfall-catalog"]),
    ("landfall-decode", &["landfall-model"]),
    ("landfall-land", &["landfall-model", "landfall-store", "landfall-catalog", "landfall-access", "landfall-decode"]),
    ("landfall-sources", &["landfall-model", "landfall-store", "landfall-catalog", "landfall-access", "landfall-land"]),
    ("landfall-sql", &["landfall-model"]),
    ("landfall-tables", &["landfall-model", "landfall-store", "landfall-catalog", "landfall-access", "landfall-decode", "landfall-sql"]),
    (
        "landfall-query",
        &[
            "landfall-model",
            "landfall-store",
            "landfall-catalog",
            "landfall-schedules",
            "landfall-access",
            "landfall-decode",
            "landfall-sql",
            "landfall-tables",
        ],
    ),
    ("landfall-worker", &["landfall-model", "landfall-store", "landfall-catalog", "landfall-access", "landfall-land"]),
    (
        "landfall-upkeep",
        &["landfall-model", "landfall-store", "landfall-catalog", "landfall-schedules", "landfall-access", "landfall-land"],
    ),
    (
        "landfall-server",
        &[
            "landfall-model",
            "landfall-store",
            "landfall-catalog",
            "landfall-schedules",
            "landfall-access",
            "landfall-tables",
            "landfall-query",
        ],
    ),
];

const FILE_LINES_MAX: usize = 500;
const FILE_LINES_MEDIAN: usize = 150;
const FUNCTION_LINES_MAX: usize = 70;
const ROOM_LINES_MAX: usize = 6_000;

fn fail_if_any(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}\n  {}", broken.join("\n  "));
}

fn room_of(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

/// Unit tests that have a file of their own, and integration tests.
fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

#[test]
fn rooms_import_only_what_is_upstream() {
    let mut broken = Vec::new();
    for source in sources("crates", &["Cargo.toml"]) {
        let room = room_of(&source.path);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            if room != "landfall" {
                broken.push(format!("{room} is not on the map"));
            }
            continue;
        };
        let manifest: toml::Table = source.text.parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(|value| value.as_table()).cloned().unwrap_or_default();
        for dependency in dependencies.keys().filter(|name| name.starts_with("landfall")) {
            if !allowed.contains(&dependency.as_str()) {
                broken.push(format!("{room} imports {dependency}"));
            }
        }
    }
    fail_if_any("a room imports only the rooms that are upstream of it (ARCHITECTURE.md)", &broken);
}

#[test]
fn heavy_crates_stay_in_their_room() {
    let homes: &[(&str, &[&str])] = &[
        ("rusqlite", &["landfall-database"]),
        ("tokio-postgres", &["landfall-database", "landfall-catalog"]),
        ("object_store", &["landfall-store", "landfall-tables", "landfall-query"]),
        ("datafusion", &["landfall-sql", "landfall-tables", "landfall-query"]),
        ("deltalake-core", &["landfall-tables"]),
    ];
    let mut broken = Vec::new();
    for source in sources("crates", &["Cargo.toml"]) {
        let manifest: toml::Table = source.text.parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(|value| value.as_table()).cloned().unwrap_or_default();
        for (heavy, homes) in homes {
            if dependencies.contains_key(*heavy) && !homes.contains(&room_of(&source.path)) {
                broken.push(format!("{} depends on {heavy}", room_of(&source.path)));
            }
        }
    }
    fail_if_any("a heavy crate is known to its own room alone", &broken);
}

#[test]
fn dependencies_are_declared_once() {
    let mut broken = Vec::new();
    for source in sources("crates", &["Cargo.toml"]) {
        let manifest: toml::Table = source.text.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(dependencies) = manifest.get(section).and_then(|value| value.as_table()) else { continue };
            for (name, value) in dependencies {
                let own = value.get("path").and_then(|path| path.as_str()) == Some(".");
                if value.get("workspace").is_none() && !own {
                    broken.push(format!("{}: {name}", source.path));
                }
            }
        }
    }
    fail_if_any("versions and features are declared at the workspace's root", &broken);
}

#[test]
fn every_file_says_what_it_is() {
    let broken =
        sources("crates", &[".rs"]).into_iter().filter(|source| !source.text.starts_with("//!") && !source.text.starts_with("#!["));
    let broken: Vec<_> = broken.map(|source| source.path).collect();
    fail_if_any("every file opens with what it is and what it keeps true (`//!`)", &broken);
}

#[test]
fn files_and_functions_are_short() {
    let mut broken = Vec::new();
    let mut lengths = Vec::new();
    let mut rooms: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources("crates", &[".rs"]) {
        let all = source.text.lines().count();
        if all > FILE_LINES_MAX {
            broken.push(format!("{} has {all} lines", source.path));
        }
        if let Some((name, lines)) = longest_function(&source.text).filter(|(_, lines)| *lines > FUNCTION_LINES_MAX) {
            broken.push(format!("{}: {name} has {lines} lines", source.path));
        }
        lengths.push(all);
        if !is_test(&source.path) {
            *rooms.entry(room_of(&source.path).to_owned()).or_default() += production_lines(&source.text);
        }
    }
    fail_if_any(&format!("files have at most {FILE_LINES_MAX} lines, functions {FUNCTION_LINES_MAX}"), &broken);
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median < FILE_LINES_MEDIAN, "the median file has {median} lines");
    let large: Vec<_> =
        rooms.into_iter().filter(|(_, lines)| *lines > ROOM_LINES_MAX).map(|(room, lines)| format!("{room}: {lines}")).collect();
    fail_if_any("a room that passes 6,000 lines is split", &large);
}

#[test]
fn sql_stands_only_in_the_catalog() {
    let statements = ["insert into ", "delete from ", "select 1 from ", " on conflict ", "create table "];
    let mut broken = Vec::new();
    for source in sources("crates", &[".rs"]) {
        let exempt = source.path.starts_with("crates/landfall-catalog/")
            || source.path.starts_with("crates/landfall-schedules/")
            || source.path.starts_with("crates/landfall-database/")
            || is_test(&source.path);
        let production: Vec<_> = source.text.lines().take_while(|line| line.trim() != "#[cfg(test)]").collect();
        for (number, line) in production.iter().enumerate().filter(|_| !exempt) {
            let code = line.trim_start();
            if !code.starts_with("//") && statements.iter().any(|statement| code.contains(&format!("\"{statement}"))) {
                broken.push(format!("{}:{}", source.path, number + 1));
            }
        }
    }
    fail_if_any("SQL text for the catalog stands in landfall-catalog alone", &broken);
}

#[test]
fn promises_have_their_tests() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(map.lines().count() <= 200, "ARCHITECTURE.md has more than 200 lines");
    let tests: String = sources("crates", &[".rs"]).into_iter().map(|source| source.text).collect();
    let mut broken = Vec::new();
    for line in map.lines().filter(|line| line.starts_with("| ") && line.contains("`test:")) {
        for name in line.split("`test:").skip(1).filter_map(|rest| rest.split('`').next()) {
            let function = name.rsplit("::").next().unwrap_or(name);
            if !tests.contains(&format!("fn {function}(")) {
                broken.push(name.to_owned());
            }
        }
    }
    let guarantees = fs::read_to_string(root().join("docs/guarantees.md")).unwrap();
    for line in guarantees.lines().filter(|line| line.starts_with("| ")) {
        let shown = line.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or_default();
        let names = shown.split('`').skip(1).step_by(2).filter(|name| !tests.contains(&format!("fn {name}(")));
        broken.extend(names.map(str::to_owned));
    }
    fail_if_any("ARCHITECTURE.md or docs/guarantees.md names tests that do not exist", &broken);
}
