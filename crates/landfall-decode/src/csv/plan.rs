//! Which field of the file goes into which column of the table.

use landfall_model::{Result, limits};

use super::header::{bad, shown};
use crate::names::Names;
use crate::run::Run;
use crate::survey::Survey;

pub struct Plan {
    /// For each column of the table, the field that it comes from.
    pub sources: Vec<Option<usize>>,
    /// Fields that the survey looks at, and which of its columns they are.
    pub surveyed: Vec<(usize, usize)>,
}

impl Plan {
    /// Plans for a file with these names, which were checked and have a record below them. Names that the table lacks begin a survey, unless its columns are declared.
    pub fn new(names: &[String], header: bool, run: &mut Run<'_>) -> Result<Plan> {
        let declared = run.columns.declared;
        let (sources, others) = sources(names, run)?;
        if declared && header && !sources.is_empty() && sources.iter().all(Option::is_none) {
            let message = format!(
                "none of the declared columns is in the header, which names {}; if the file has no header, set csv.header = false",
                listed(names)
            );
            return Err(bad(message));
        }
        let mut surveyed = Vec::new();
        if !declared && !others.is_empty() {
            let known = run.columns.list.len();
            let survey = run.survey.get_or_insert_with(|| Survey::thorough(known));
            for field in others {
                let Some(column) = survey.column(names[field].as_bytes()) else {
                    return Err(bad(format!(
                        "with {} the table would have more than {} columns",
                        shown(&names[field]),
                        limits::COLUMNS_MAX
                    )));
                };
                survey.guess(column).name();
                surveyed.push((field, column));
            }
        }
        Ok(Plan { sources, surveyed })
    }
}

/// The field of each column, and the fields that belong to none.
fn sources(names: &[String], run: &Run<'_>) -> Result<(Vec<Option<usize>>, Vec<usize>)> {
    let known = Names::new(run.columns);
    let mut sources = vec![None; run.columns.list.len()];
    for (field, name) in names.iter().enumerate() {
        if let Some(column) = known.exact(name) {
            sources[column] = Some(field);
        }
    }
    let mut others = Vec::new();
    for (field, name) in names.iter().enumerate().filter(|(_, name)| known.exact(name).is_none()) {
        match known.find(name) {
            None => others.push(field),
            Some(column) => match sources[column].replace(field) {
                None => {}
                Some(other) => {
                    let message = format!("the header names {} and {}, and both mean one column", shown(&names[other]), shown(name));
                    return Err(bad(message));
                }
            },
        }
    }
    Ok((sources, others))
}

fn listed(names: &[String]) -> String {
    let list: Vec<String> = names.iter().take(8).map(|name| shown(name)).collect();
    format!("{}{}", list.join(", "), if names.len() > 8 { " …" } else { "" })
}
