//! Configuration: one file, `datasets/*.toml` beside it, the environment, and
//! a default for everything. A mistake is answered with its file, line and
//! column, and every mistake is found in one reading. No setting is without
//! effect.

mod check;
mod file;
mod fit;
mod interpolate;
mod mistake;
mod overrides;
mod read;
mod schedules;
mod shape;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod unbuilt;

use std::path::{Path, PathBuf};

use landfall_model::{Dataset, DatasetName, Region, Schedule};
use serde::Deserialize;

pub use file::schema;
use file::{DatasetSection, Door, File};
pub use mistake::Mistakes;
use shape::Shapes;
use source::Origin;
use tree::{Node, Value};

/// The whole configuration, with defaults in place of what was left out.
#[derive(Clone, Debug)]
pub struct Config {
    pub data: PathBuf,
    pub region: Region,
    pub public_url: Option<String>,
    pub catalog: Catalog,
    pub store: Store,
    pub listen: Listen,
    /// In the order of their names.
    pub datasets: Vec<Dataset>,
    /// In the order of their names.
    pub schedules: Vec<Schedule>,
    /// What is allowed and has no effect in this version: for the start-up lines.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Catalog {
    /// `sqlite:PATH` or `postgres://...`.
    pub url: String,
}

#[derive(Clone, Debug)]
pub struct Store {
    /// A folder or `s3://bucket/prefix`.
    pub url: String,
    /// The same, of the archive.
    pub archive: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Listen {
    /// `host:port`; `None`: the door is closed.
    pub http: Option<String>,
    /// The same of the S3 door.
    pub s3: Option<String>,
}

/// Where configuration comes from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The file; without it `landfall.toml`, if there is one.
    pub path: Option<&'a Path>,
    /// `--data`, which overrides all else.
    pub data: Option<&'a str>,
    pub env: &'a [(String, String)],
}

impl Config {
    /// Reads files and environment; or says every mistake.
    pub fn load(inputs: Inputs<'_>) -> Result<Config, Mistakes> {
        let mut mistakes = Mistakes::default();
        let shapes = Shapes::new();
        let lookup = |name: &str| inputs.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let mut table = read::read(inputs.path, &lookup, &mut mistakes);
        overrides::apply(&mut table, inputs.env, &shapes, &mut mistakes);
        if let Some(data) = inputs.data {
            overrides::set(&mut table, &["data".to_owned()], Value::Text(data.to_owned()), &Origin::Named("--data".into()));
        }
        let mut root = Node { value: Value::Table(table), origin: Origin::File { file: 0, span: 0..0 } };
        fit::fit(&mut root, &shapes, &mut mistakes);
        let file = match File::deserialize(&root) {
            Ok(file) => file,
            Err(error) => {
                mistakes.add(&root.origin, error.to_string());
                return Err(mistakes);
            }
        };
        let warnings = check::check(&file, &root, &mut mistakes);
        if mistakes.list.is_empty() { Ok(Config::from_file(file, warnings)) } else { Err(mistakes) }
    }

    fn from_file(file: File, mut warnings: Vec<String>) -> Config {
        let data = PathBuf::from(&file.data);
        let unbuilt = [("sftp", &file.listen.sftp), ("postgres", &file.listen.postgres)];
        for (name, door) in unbuilt {
            if let Some(Door::At(address)) = door {
                warnings.push(format!("the {name} door ({address}) is not built yet in this version and stays closed"));
            }
        }
        let http = match file.listen.http {
            None => Some("127.0.0.1:8080".into()),
            Some(Door::At(address)) => Some(address),
            Some(Door::Off) => None,
        };
        let s3 = match file.listen.s3 {
            Some(Door::At(address)) => Some(address),
            None | Some(Door::Off) => None,
        };
        let mut datasets: Vec<Dataset> = file.datasets.into_iter().map(|(name, section)| dataset(name, section)).collect();
        let schedules: Vec<Schedule> = file.schedules.into_iter().map(|(name, section)| schedules::schedule(name, section)).collect();
        schedules::declare_targets(&mut datasets, &schedules);
        Config {
            catalog: Catalog { url: file.catalog.url.unwrap_or_else(|| format!("sqlite:{}", data.join("catalog.db").display())) },
            store: Store {
                url: file.store.url.unwrap_or_else(|| data.join("store").display().to_string()),
                archive: file.store.archive.map(|archive| archive.url),
            },
            data,
            region: file.region,
            public_url: file.public_url.map(|url| url.trim_end_matches('/').to_owned()),
            listen: Listen { http, s3 },
            datasets,
            schedules,
            warnings,
        }
    }
}

fn dataset(name: DatasetName, section: DatasetSection) -> Dataset {
    Dataset {
        description: section.description,
        on_bad_record: section.on_bad_record,
        grants: section.grants,
        columns: section.columns.map(|columns| columns.0),
        transform: section.transform,
        csv: section.csv,
        retention: section.retention,
        archive_after: section.archive_after,
        sla: section.sla,
        priority: section.priority,
        ..Dataset::new(name)
    }
}

/// The process's environment, as far as it is text.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}
