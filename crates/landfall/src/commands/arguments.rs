//! The command line: every command, its arguments, and the sentence that its
//! help says.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use landfall_access::KeyGrant;

use crate::output::Format;
use crate::roles::Roles;

/// Where data lands: takes files and events in, loads them exactly once, answers SQL.
#[derive(Debug, Parser)]
#[command(name = "landfall", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub server: Server,
    #[command(subcommand)]
    pub command: Command,
}

/// The server that client commands speak to. Its key is in LANDFALL_TOKEN; without it, the key file of a server on this machine.
#[derive(Debug, Args)]
pub struct Server {
    /// The server's address
    #[arg(long, global = true, env = "LANDFALL_URL", default_value = super::client::DEFAULT_URL, hide_env_values = true)]
    pub url: String,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show it all: an embedded server, sample data in, tables, rejects and the audit out
    Demo {
        /// End by itself instead of staying up until Ctrl-C
        #[arg(long)]
        exit: bool,
    },
    /// Run the server
    Serve {
        #[command(flatten)]
        config: ConfigFile,
        /// The folder of the embedded catalog, store and keys, whatever the configuration says
        #[arg(long, value_name = "DIR")]
        data: Option<String>,
        /// What this node does, of ingest,work,query,upkeep; all of it if left out
        #[arg(long, default_value = "ingest,work,query,upkeep")]
        roles: Roles,
    },
    /// Validate the configuration
    Check {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Upload files
    Put(Put),
    /// Send events, one JSON document a line
    Send {
        dataset: String,
        /// The file to read; standard input if left out or `-`
        file: Option<PathBuf>,
    },
    /// The timeline of one event, landing or job
    Status {
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// The datasets, or the files of one
    Ls {
        /// DATASET or DATASET/PREFIX
        path: Option<String>,
        #[command(flatten)]
        list: List,
    },
    /// What landed
    Landings(Listed),
    /// The work on files
    Jobs(Listed),
    /// Records that were bad, and why
    Rejects(Listed),
    /// The commits that brought rows into the tables or took them out
    Loads(Listed),
    /// Landings whose work failed for good
    #[command(visible_alias = "dlq", args_conflicts_with_subcommands = true)]
    DeadLetters {
        #[command(flatten)]
        listed: Listed,
        #[command(subcommand)]
        action: Option<DeadLetter>,
    },
    /// Keep a landing, or all of a dataset, from retention until it is released
    Hold {
        #[arg(value_name = "DATASET|LANDING")]
        subject: String,
        /// Why, for whoever asks later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// End a hold: retention takes it when its time is over
    Release {
        #[arg(value_name = "DATASET|LANDING")]
        subject: String,
    },
    /// What is held, and why
    Holds(Listed),
    /// Process what landed again, with the definition of today; the table changes in one load
    Replay(Replay),
    /// Replays and how they ended
    #[command(args_conflicts_with_subcommands = true)]
    Replays {
        #[command(flatten)]
        listed: Listed,
        #[command(subcommand)]
        action: Option<ReplayAction>,
    },
    /// What would change: compare two tables, such as a dataset's and the one that `replay --into` made beside it
    Diff(Diff),
    /// Drop a table that `replay --into` has made
    Drop { table: String },
    /// What retention purged, and when
    Purges(Listed),
    /// What runs when, and how it went
    Schedules {
        #[command(flatten)]
        list: List,
    },
    /// The runs of schedules, one for each window
    Runs(Runs),
    /// Answer windows of a schedule now, for the first time or again; stays until it is done
    #[command(visible_alias = "rerun")]
    Run(Run),
    /// What took longer than the service level of its dataset
    Breaches(Listed),
    /// Ask: one query, or an interactive prompt
    Sql {
        /// The query; a prompt opens if it is left out
        sql: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Whether everything that was received is accounted for; exit code 1 if not
    Audit {
        dataset: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Keys, which open every door
    #[command(subcommand)]
    Key(Key),
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Print the JSON Schema of the configuration file
    Schema,
    /// Print the completion script of a shell
    Completion { shell: clap_complete::Shell },
    /// Print the version
    Version,
}

#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file; landfall.toml if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Put {
    pub dataset: String,
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The key to put the file under; its name if left out. With a `/` at the end, the folder for all of them
    #[arg(long)]
    pub key: Option<String>,
    /// Stay until each file is loaded, or is known to be bad
    #[arg(long)]
    pub wait: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// How to print
    #[arg(short, long = "output", value_enum, default_value_t = Format::Table)]
    pub output: Format,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct List {
    #[command(flatten)]
    pub output: Output,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Listed {
    /// Only those of this dataset
    pub dataset: Option<String>,
    #[command(flatten)]
    pub list: List,
}

#[derive(Debug, Args)]
pub struct Replay {
    pub dataset: String,
    /// Only what was received from then on: RFC 3339, or a day
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only what was received before
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Put it into a side table of that name, and leave the dataset's own table as it is
    #[arg(long, value_name = "TABLE")]
    pub into: Option<String>,
    /// Stay until the table holds it
    #[arg(long)]
    pub wait: bool,
}

#[derive(Debug, Args)]
pub struct Runs {
    /// Only those of this schedule
    pub schedule: Option<String>,
    #[command(flatten)]
    pub list: List,
}

#[derive(Debug, Args)]
pub struct Run {
    pub schedule: String,
    /// All windows that end after FROM and not after TO: RFC 3339, or days in the schedule's zone. The last one if left out
    #[arg(long, value_name = "FROM..TO")]
    pub window: Option<String>,
    /// Do not stay: print the runs' ids
    #[arg(long)]
    pub detach: bool,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// The table as it is
    pub a: String,
    /// And as it would be
    pub b: String,
    /// How many of the records that differ to show, at most 100
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(..=100))]
    pub examples: u8,
    /// Exit with 1 where they differ
    #[arg(long)]
    pub exit_code: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum ReplayAction {
    /// Let it rest
    Pause { id: String },
    /// Let it go on from where it was
    Resume { id: String },
    /// Give it up: the table stays as it is
    Cancel { id: String },
}

#[derive(Debug, Subcommand)]
pub enum DeadLetter {
    /// Why it failed, in full
    Show {
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Work on it again
    Retry { id: String },
    /// Give it up: it is counted as discarded
    Drop { id: String },
}

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key; its secret is printed once
    Create {
        name: String,
        /// What it may do: DATASET:ACTION,... with `*` for all datasets; may be repeated
        #[arg(long = "grant", value_name = "DATASET:ACTION,...")]
        grants: Vec<KeyGrant>,
    },
    /// The keys and what they may do
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Take a key back
    Revoke { name: String },
}
