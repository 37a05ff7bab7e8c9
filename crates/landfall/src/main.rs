//! The binary `landfall`: the command line before everything else.

mod app;
mod commands;
mod config;
mod demo;
mod output;
mod roles;
mod serve;
mod wiring;

/// Requests and batches are many small allocations on several threads, where the system's allocator makes threads wait.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    commands::run(std::env::args_os())
}
