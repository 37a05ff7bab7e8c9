//! Which tables a statement names, and whether its caller may.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableFunction;
use datafusion::common::TableReference;
use datafusion::datasource::empty::EmptyTable;
use landfall_access::{Context, Decision, Gate};
use landfall_catalog::Definitions;
use landfall_model::{Action, DatasetName, Error, ErrorKind, Result};

use super::session::{DATASETS, Named, SYSTEM};
use super::system::{SystemKind, SystemTables};
use crate::live::Live;

/// The functions that give tables, by name.
pub type Functions = HashMap<String, Arc<TableFunction>>;

/// Cloning shares it.
#[derive(Clone)]
pub struct Visible {
    pub definitions: Definitions,
    pub gate: Gate,
    pub live: Live,
    pub system: SystemTables,
}

impl Visible {
    /// The tables behind `references`, each as it is now.
    pub async fn open(&self, context: &Context, references: &[TableReference], functions: &Functions) -> Result<Vec<Named>> {
        let mut tables = Vec::with_capacity(references.len());
        for reference in references {
            match reference.schema() {
                // `generate_series(1, 9)` stands where a table does, and DataFusion brings it.
                None if functions.contains_key(reference.table()) && !self.is_dataset(reference.table()) => {}
                None | Some(DATASETS) => tables.push(self.dataset(context, reference.table()).await?),
                Some(SYSTEM) => tables.push(self.system(context, reference.table())?),
                Some("information_schema") => self.describe(context, &mut tables).await?,
                Some(other) => {
                    let message =
                        format!("there is no schema `{other}`: tables are in `{DATASETS}`, which may be left out, and in `{SYSTEM}`");
                    return Err(Error::new(ErrorKind::BadSql, message));
                }
            }
        }
        Ok(tables)
    }

    fn is_dataset(&self, name: &str) -> bool {
        self.definitions.all().keys().any(|dataset| dataset.as_str() == name)
    }

    /// The datasets that the caller may query.
    pub fn names(&self, context: &Context) -> Vec<DatasetName> {
        let may = |name: &&DatasetName| self.gate.decide(context, Action::Query, Some(name), None) == Decision::Granted;
        self.definitions.all().keys().filter(may).cloned().collect()
    }

    async fn dataset(&self, context: &Context, name: &str) -> Result<Named> {
        let dataset = name.parse::<DatasetName>().ok().filter(|dataset| self.definitions.all().contains_key(dataset));
        let dataset = dataset.ok_or_else(|| unknown(name, self.names(context).iter().map(DatasetName::as_str)))?;
        self.gate.authorize(context, Action::Query, &dataset, None)?;
        let table = self.live.table(&dataset).await?;
        Ok(Named { schema: DATASETS, name: name.to_owned(), table: Arc::new(table) })
    }

    fn system(&self, context: &Context, name: &str) -> Result<Named> {
        let known = || SystemKind::ALL.iter().map(|kind| kind.name());
        let kind = SystemKind::ALL.iter().find(|kind| kind.name() == name).ok_or_else(|| unknown(&format!("{SYSTEM}.{name}"), known()))?;
        let datasets = if context.admin { None } else { Some(self.names(context)) };
        Ok(Named { schema: SYSTEM, name: name.to_owned(), table: Arc::new(self.system.table(*kind, datasets)) })
    }

    /// All that the caller may see, by its columns alone, for `show tables` and the information schema.
    async fn describe(&self, context: &Context, tables: &mut Vec<Named>) -> Result<()> {
        let mut add = |schema: &'static str, name: String, columns: SchemaRef| {
            if !tables.iter().any(|table| table.schema == schema && table.name == name) {
                tables.push(Named { schema, name, table: Arc::new(EmptyTable::new(columns)) });
            }
        };
        for dataset in self.names(context) {
            let columns = self.live.schema(&dataset).await?;
            add(DATASETS, dataset.to_string(), columns);
        }
        for kind in SystemKind::ALL {
            add(SYSTEM, kind.name().to_owned(), kind.schema());
        }
        Ok(())
    }
}

/// There is no such table; perhaps one of `known` was meant.
fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let bare = name.rsplit('.').next().unwrap_or(name);
    let near = known.map(|known| (strsim::damerau_levenshtein(bare, known), known));
    let near = near.filter(|(distance, known)| *distance <= known.len().max(3) / 3 || (bare.len() > 2 && known.starts_with(bare)));
    let hint = match near.min() {
        Some((_, near)) => format!("; did you mean `{}{near}`?", if name.contains('.') { "landfall." } else { "" }),
        None => "; `show tables` lists those that you may query".to_owned(),
    };
    Error::new(ErrorKind::BadSql, format!("there is no table `{name}`{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_table_says_what_was_probably_meant() {
        let known = || ["orders", "weather"].into_iter();
        assert_eq!(unknown("ordesr", known()).message, "there is no table `ordesr`; did you mean `orders`?");
        assert!(unknown("zzz", known()).message.ends_with("`show tables` lists those that you may query"));
        assert_eq!(
            unknown("landfall.job", ["jobs"].into_iter()).message,
            "there is no table `landfall.job`; did you mean `landfall.jobs`?"
        );
    }
}
