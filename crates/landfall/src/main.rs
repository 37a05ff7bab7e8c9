//! The binary `landfall`: the command line before everything else.

mod app;
mod commands;
mod config;
mod demo;
mod output;
mod roles;
mod serve;
mod wiring;

fn main() -> std::process::ExitCode {
    commands::run(std::env::args_os())
}
