//! The commands. Those that ask a server speak HTTP to it and never open its
//! catalog; exit codes are 0 done, 1 the answer is no, 2 wrong usage, 3 the
//! server could not be reached.

mod arguments;
mod audit;
mod batch;
mod client;
mod configuration;
mod dead_letters;
mod diff;
mod failure;
mod holds;
mod keys;
mod lists;
mod ls;
mod progress;
mod prompt;
mod put;
mod replays;
mod resume;
mod retry;
mod schedules;
mod send;
mod sql;
mod status;
mod tables;
#[cfg(test)]
mod tests;
mod upload;

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::demo;
use crate::output::Screen;
pub use arguments::Arguments;
use arguments::{Command, Server};
pub use client::Client;
pub use failure::Failure;

// What the demo shows, it shows with the commands' own code.
pub use audit::audit;
pub use lists::{DEAD_LETTERS, LANDINGS, REJECTS};
pub use put::put_bytes;
pub use send::{Sent, send_reader};
pub use sql::query;
pub use status::wait_until_done;

/// Runs the command that `arguments` ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // Help and version are answers too; clap knows which code each has.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let screen = Screen::detect();
    match dispatch(arguments.command, &arguments.server, screen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                screen.note(failure.message.trim_end());
            }
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(command: Command, server: &Server, screen: Screen) -> Result<(), Failure> {
    match command {
        Command::Demo { exit } => demo::run(screen, exit),
        Command::Serve { config, data, roles } => configuration::serve(config.config, data, roles),
        Command::Check { config } => configuration::check(config.config.as_deref(), screen),
        Command::Openapi => screen.line(&crate::app::openapi(None)),
        Command::Schema => configuration::schema(screen),
        Command::Completion { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "landfall", &mut io::stdout().lock());
            Ok(())
        }
        Command::Version => screen.line(concat!("landfall ", env!("CARGO_PKG_VERSION"))),
        other => {
            let client = Client::new(&server.url, std::env::var("LANDFALL_TOKEN").ok())?;
            block_on(ask(other, client, screen))
        }
    }
}

async fn ask(command: Command, client: Client, screen: Screen) -> Result<(), Failure> {
    match command {
        Command::Put(put) => put::put(&client, &put, screen).await,
        Command::Send { dataset, file } => send::send(&client, &dataset, file.as_deref(), screen).await,
        Command::Status { id, output } => status::status(&client, &id, output.output, screen).await,
        Command::Ls { path, list } => ls::ls(&client, path.as_deref(), list, screen).await,
        Command::Landings(listed) => lists::print(&client, &lists::LANDINGS, &listed, screen).await,
        Command::Jobs(listed) => lists::print(&client, &lists::JOBS, &listed, screen).await,
        Command::Rejects(listed) => lists::print(&client, &lists::REJECTS, &listed, screen).await,
        Command::Loads(listed) => lists::print(&client, &lists::LOADS, &listed, screen).await,
        Command::DeadLetters { listed, action: None } => lists::print(&client, &lists::DEAD_LETTERS, &listed, screen).await,
        Command::DeadLetters { action: Some(action), .. } => dead_letters::act(&client, &action, screen).await,
        Command::Hold { subject, reason } => holds::hold(&client, &subject, &reason, screen).await,
        Command::Release { subject } => holds::release(&client, &subject, screen).await,
        Command::Holds(listed) => lists::print(&client, &lists::HOLDS, &listed, screen).await,
        Command::Replay(replay) => replays::begin(&client, &replay, screen).await,
        Command::Replays { listed, action: None } => lists::print(&client, &lists::REPLAYS, &listed, screen).await,
        Command::Replays { action: Some(action), .. } => replays::act(&client, &action, screen).await,
        Command::Diff(diff) => diff::print(&client, &diff, screen).await,
        Command::Drop { table } => tables::drop_it(&client, &table, screen).await,
        Command::Purges(listed) => lists::print(&client, &lists::PURGES, &listed, screen).await,
        Command::Schedules { list } => {
            let (items, more) = lists::SCHEDULES.fetch(&client, None, lists::limit(list)).await?;
            lists::show(lists::SCHEDULES.listing(items), more, list, screen)
        }
        Command::Runs(runs) => schedules::runs(&client, &runs, screen).await,
        Command::Run(run) => schedules::run(&client, &run, screen).await,
        Command::Breaches(listed) => lists::print(&client, &lists::BREACHES, &listed, screen).await,
        Command::Sql { sql: Some(sql), output } => sql::once(&client, &sql, output.output, screen).await,
        Command::Sql { sql: None, output } => prompt::open(client, output.output, screen).await,
        Command::Audit { dataset, output } => audit::print(&client, dataset.as_deref(), output.output, screen).await,
        Command::Key(key) => keys::act(&client, &key, screen).await,
        Command::Demo { .. }
        | Command::Serve { .. }
        | Command::Check { .. }
        | Command::Openapi
        | Command::Schema
        | Command::Completion { .. }
        | Command::Version => Ok(()),
    }
}

/// Client commands wait for one thing at a time, so one thread is enough for them.
fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
    // A thread that waits for standard input must not hold up the end.
    runtime.shutdown_background();
    outcome
}
