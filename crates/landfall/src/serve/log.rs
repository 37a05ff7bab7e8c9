//! The log: one line a thing that somebody who runs a node wants to know, on
//! standard error. `RUST_LOG` says what else.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The kernel of the tables calls it an error that there is no table yet; we ask it just that, and its real errors reach us. So
/// does the protocol of S3 each refusal, which its caller is told.
const USUAL: &str = "warn,buoyant_kernel=off,s3s=off,landfall=info,landfall_query=info,landfall_land=info,landfall_worker=info,landfall_upkeep=info,landfall_tables=info,landfall_catalog=info";

/// Begins to log; does nothing in a process that does already.
pub fn log() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    let filter = match std::env::var("RUST_LOG") {
        Ok(wanted) if !wanted.is_empty() => filter.parse_lossy(wanted),
        _ => filter.parse_lossy(USUAL),
    };
    let terminal = std::io::stderr().is_terminal();
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(terminal).with_writer(std::io::stderr).try_init();
}
