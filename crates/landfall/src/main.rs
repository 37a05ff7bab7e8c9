//! The binary.
mod commands;
mod config;
mod output;
mod roles;
mod serve_stub {
    pub async fn serve(_: crate::config::Config, _: crate::roles::Roles, _: Option<String>, _: impl Fn() -> landfall_model::Result<crate::config::Config>) -> landfall_model::Result<()> { Ok(()) }
    pub fn log() {}
}
use serve_stub as serve;
mod demo_stub {
    pub fn run(_: crate::output::Screen, _: bool) -> Result<(), crate::commands::Failure> { Ok(()) }
}
use demo_stub as demo;
mod landfall_server { pub fn openapi() -> String { String::new() } }
fn main() -> std::process::ExitCode { commands::run(std::env::args_os()) }
