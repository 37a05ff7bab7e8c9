//! A dataset, as configuration declares it: how it is decoded, transformed,
//! kept, and who may do what. Each key here does something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::Column;
use crate::name::DatasetName;
use crate::partition::Granularity;
use crate::principal::Grant;
use crate::span::Span;

/// A dataset's definition. Its serialised form is what the catalog versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    pub name: DatasetName,
    pub description: Option<String>,
    pub on_bad_record: BadRecord,
    pub grants: Vec<Grant>,
    /// In the order of the file; `None`: inferred.
    pub columns: Option<Vec<Column>>,
    pub transform: Option<String>,
    pub csv: CsvSettings,
    /// How long a landing is kept, with all that was made of it; `None`: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Span>,
    /// When the raw bytes of a landing move to the archive; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_after: Option<Span>,
    /// The objective: how long a landing may take from its arrival until it is processed; `None`: nothing is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla: Option<Span>,
    #[serde(default, skip_serializing_if = "Priority::is_default")]
    pub priority: Priority,
}

impl Dataset {
    /// A dataset with every setting at its default.
    pub fn new(name: DatasetName) -> Dataset {
        Dataset {
            name,
            description: None,
            on_bad_record: BadRecord::default(),
            grants: Vec::new(),
            columns: None,
            transform: None,
            csv: CsvSettings::default(),
            retention: None,
            archive_after: None,
            sla: None,
            priority: Priority::default(),
        }
    }

    /// How the dataset's table is partitioned.
    pub fn granularity(&self) -> Granularity {
        Granularity::of(self.retention)
    }
}

/// Whose work goes before whose; among equals the datasets take turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// A backfill: it waits for all others, and leaves a slot free for them.
    Low,
    /// What a dataset is that says nothing.
    #[default]
    Normal,
    /// Before all others.
    High,
}

impl Priority {
    pub fn as_str(self) -> &'static str {
        match self {
            Priority::Low => "low",
            Priority::Normal => "normal",
            Priority::High => "high",
        }
    }

    /// As the catalog keeps it: the higher goes first.
    pub fn rank(self) -> i64 {
        match self {
            Priority::Low => 0,
            Priority::Normal => 1,
            Priority::High => 2,
        }
    }

    /// What `rank` gave.
    pub fn of_rank(rank: i64) -> Priority {
        match rank {
            ..=0 => Priority::Low,
            1 => Priority::Normal,
            _ => Priority::High,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_default(&self) -> bool {
        *self == Priority::default()
    }
}

/// What one bad record does to the file it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BadRecord {
    /// The record is kept as a reject and the others load.
    #[default]
    Reject,
    /// None of the file loads: it becomes a dead letter.
    Fail,
}

/// How a dataset's CSV differs from what its content tells. A key left out is told by the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvSettings {
    /// The character between fields; told from the first lines if left out (`,` `;` tab or `|`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// The character around fields; `"` if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<char>,
    /// Whether the first line names the columns; yes if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Fields that mean null, beside the empty one. If left out: `NA`, in columns that are not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null: Option<Vec<String>>,
    /// `utf-8`, `utf-16` or `latin-1`; told by the content if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

/// How text is written in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    /// Of either byte order, told by its byte order mark; big-endian without one.
    #[serde(rename = "utf-16")]
    Utf16,
    #[serde(rename = "latin-1")]
    Latin1,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_without_the_newer_keys_reads_as_it_was_written() {
        let dataset = Dataset::new("orders".parse().unwrap());
        let text = serde_json::to_string(&dataset).unwrap();
        assert!(!text.contains("sla") && !text.contains("priority"), "{text}");
        assert_eq!(serde_json::from_str::<Dataset>(&text).unwrap(), dataset);
    }

    #[test]
    fn a_priority_is_ranked_and_read_back() {
        for priority in [Priority::Low, Priority::Normal, Priority::High] {
            assert_eq!(Priority::of_rank(priority.rank()), priority);
        }
        assert!(Priority::High > Priority::Normal && Priority::Normal > Priority::Low);
    }
}
