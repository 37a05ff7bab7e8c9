//! Schedules: the rules that they can break, and the datasets that they land in.

use landfall_model::{Dataset, DatasetName, Schedule, Timestamp, Window};
use landfall_schedules::Calendar;

use super::check::Check;
use super::file::{File, ScheduleSection};
use super::mistake::did_you_mean;

/// Tables of the engine's own, which look like datasets.
const FUNCTIONS: [&str; 2] = ["generate_series", "range"];

pub fn schedule(name: DatasetName, section: ScheduleSection) -> Schedule {
    Schedule {
        name,
        cron: section.cron,
        timezone: section.timezone,
        sql: section.sql,
        into: section.into,
        window: section.window,
        format: section.format,
        key: section.key,
    }
}

/// Adds the datasets that schedules land in and that nobody has declared.
pub fn declare_targets(datasets: &mut Vec<Dataset>, schedules: &[Schedule]) {
    for schedule in schedules {
        if !datasets.iter().any(|dataset| dataset.name == schedule.into) {
            let description = Some(format!("Answers of the schedule `{}`", schedule.name));
            datasets.push(Dataset { description, ..Dataset::new(schedule.into.clone()) });
        }
    }
    datasets.sort_by(|a, b| a.name.cmp(&b.name));
}

impl Check<'_> {
    pub(super) fn schedule(&mut self, name: &DatasetName, section: &ScheduleSection, file: &File) {
        let key = |key: &'static str| ["schedules", name.as_str(), key];
        match Calendar::new(&section.cron, "UTC", None) {
            Err(error) => self.wrong(&key("cron"), error.message),
            Ok(calendar) if calendar.next(Timestamp(0)).is_none() => {
                self.wrong(&key("cron"), format!("`{}` never comes", section.cron));
            }
            Ok(_) => {}
        }
        if let Err(error) = Calendar::new("* * * * *", &section.timezone, None) {
            self.wrong(&key("timezone"), error.message);
        }
        self.query(name, section, file);
        self.key_of_files(name, section);
    }

    fn query(&mut self, name: &DatasetName, section: &ScheduleSection, file: &File) {
        let path = ["schedules", name.as_str(), "sql"];
        let references = landfall_sql::parse(&section.sql).and_then(|statement| landfall_sql::references(&statement));
        let references = match references {
            Ok(references) => references,
            Err(error) => return self.wrong(&path, error.message),
        };
        let known = || file.datasets.keys().chain(file.schedules.values().map(|schedule| &schedule.into)).map(DatasetName::as_str);
        for table in references.iter().filter(|table| table.schema().is_none()).map(|reference| reference.table()) {
            if !known().any(|name| name == table) && !FUNCTIONS.contains(&table) {
                let hint = did_you_mean(table, known()).map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
                self.wrong(&path, format!("there is no dataset `{table}`{hint}"));
            }
        }
        if !section.sql.contains("$start") && !section.sql.contains("$end") {
            let note = format!("the schedule {name} asks for the same in each window: its query names neither $start nor $end");
            self.warnings.push(note);
        }
    }

    fn key_of_files(&mut self, name: &DatasetName, section: &ScheduleSection) {
        let Some(pattern) = &section.key else { return };
        let path = ["schedules", name.as_str(), "key"];
        let filled = schedule(name.clone(), section.clone()).key_of(Window { from: Timestamp(0), to: Timestamp(1) });
        if !pattern.contains("{to}") && !pattern.contains("{from}") {
            self.wrong(&path, "`key` names neither {from} nor {to}: each window would take the place of the one before");
        } else if let Err(error) = filled {
            self.wrong(&path, error.message);
        }
    }
}
