//! What `landfall serve` says when it starts: few lines, each of them of use.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::app::Running;
use crate::config::Config;

/// The start-up lines, on the terminal's standard output.
pub fn start_up(config: &Config, running: &Running) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "landfall {} in region {}", env!("CARGO_PKG_VERSION"), config.region);
    let _ = writeln!(text, "  catalog   {}", without_password(&config.catalog.url));
    let _ = writeln!(text, "  store     {}", config.store.url);
    door(&mut text, "http", running.http);
    if config.listen.s3.is_some() {
        door(&mut text, "s3", running.s3);
    }
    let names: Vec<_> = config.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
    let list = if names.is_empty() { "none yet: declare one as [datasets.NAME] in the configuration".to_owned() } else { names.join(", ") };
    let _ = writeln!(text, "  datasets  {list}");
    if !config.schedules.is_empty() {
        let names: Vec<_> = config.schedules.iter().map(|schedule| schedule.name.as_str()).collect();
        let _ = writeln!(text, "  schedules {}", names.join(", "));
    }
    for warning in &config.warnings {
        let _ = writeln!(text, "  note      {warning}");
    }
    if running.admin.made {
        let _ = writeln!(text, "  admin key {}", running.admin.secret.reveal());
        let _ =
            writeln!(text, "            shown this once, and kept in {}", config.data.join(landfall_access::admin::FILE_NAME).display());
    }
    text
}

/// Where a door is, and loudly where what goes through it can be read on its way.
fn door(text: &mut String, name: &str, address: Option<SocketAddr>) {
    let Some(address) = address else {
        let _ = writeln!(text, "  {name:<9} off");
        return;
    };
    let _ = writeln!(text, "  {name:<9} http://{address}");
    if !address.ip().is_loopback() {
        let _ = writeln!(text, "            WITHOUT TLS beyond this machine: put a proxy with TLS before it, or listen on 127.0.0.1");
    }
}

/// A database's URL may hold a password, which no log should.
fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            let _ = parsed.set_password(Some("***"));
            parsed.to_string()
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://me:secret@db/x"), "postgres://me:***@db/x");
        assert_eq!(without_password("sqlite:/var/lib/landfall/catalog.db"), "sqlite:/var/lib/landfall/catalog.db");
    }
}
