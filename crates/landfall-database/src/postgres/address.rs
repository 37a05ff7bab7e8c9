//! Where the catalog is, and whether the way there is encrypted: the URL, with
//! libpq's words for it (PostgreSQL's documentation, 34.1.2 and 34.19.1).

use std::time::Duration;

use landfall_model::{Error, ErrorKind, Result, limits};
use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::chain;
use super::tls::{self, Roots, Trust};

/// The database that a URL names. Cloning shares what it trusts.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    tls: MakeRustlsConnect,
}

type Connected = (Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>);

/// The words of the URL that are about TLS.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    mode: Option<String>,
    roots: Option<String>,
}

/// How the way is encrypted, and who is trusted at its end.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    mode: SslMode,
    trust: Trust,
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::BadRequest, format!("the catalog's URL is not one for PostgreSQL: {why}"))
}

/// Takes the words about TLS out of a URL; the rest is for the client library, which refuses what it does not know.
fn split(url: &str) -> Result<(String, Words)> {
    let credentials = url.find('@').unwrap_or(0);
    let Some(question) = url[credentials..].find('?').map(|at| credentials + at) else {
        return Ok((url.to_owned(), Words::default()));
    };
    let mut words = Words::default();
    let mut rest = Vec::new();
    for pair in url[question + 1..].split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let word = match name {
            "sslmode" => &mut words.mode,
            "sslrootcert" => &mut words.roots,
            _ => {
                rest.push(pair);
                continue;
            }
        };
        let value = percent_decode_str(value).decode_utf8().map_err(|_| refused(&format!("`{name}` is not text")))?;
        *word = Some(value.into_owned());
    }
    let parting = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{}{parting}{}", &url[..question], rest.join("&")), words))
}

/// True where nobody can listen in between.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

fn choose(words: &Words, hosts: &[Host]) -> Result<Choice> {
    let roots = match words.roots.as_deref() {
        None => None,
        Some("system") => Some(Roots::Platform),
        Some(file) => Some(Roots::File(file.into())),
    };
    // libpq never encrypts a local socket, and there prefers encryption everywhere else when nothing is said. To this
    // machine itself we only encrypt when told to.
    let sockets = !hosts.is_empty() && hosts.iter().all(|host| matches!(host, Host::Unix(_)));
    let unsaid = if roots.is_none() && hosts.iter().all(is_here) { "disable" } else { "prefer" };
    let word = words.mode.as_deref().unwrap_or(unsaid);
    let chain = |roots: Option<Roots>| roots.map_or(Trust::Anyone, Trust::Chain);
    let (mode, trust) = match word {
        "disable" if roots.is_some() => return Err(refused("`sslrootcert` has no effect with `sslmode=disable`")),
        "disable" => (SslMode::Disable, Trust::Anyone),
        "prefer" | "require" | "verify-ca" if roots == Some(Roots::Platform) => {
            return Err(refused(&format!(
                "`sslrootcert=system` trusts whoever has a certificate; with `sslmode={word}` use `verify-full`"
            )));
        }
        "prefer" => (SslMode::Prefer, chain(roots)),
        "require" => (SslMode::Require, chain(roots)),
        "verify-ca" => (SslMode::Require, Trust::Chain(roots.unwrap_or(Roots::Platform))),
        "verify-full" => (SslMode::Require, Trust::Named(roots.unwrap_or(Roots::Platform))),
        other => {
            let known = "`disable`, `prefer`, `require`, `verify-ca` or `verify-full`";
            return Err(refused(&format!("`sslmode={other}` is not known; it should be {known}")));
        }
    };
    Ok(Choice { mode: if sockets { SslMode::Disable } else { mode }, trust })
}

impl Address {
    pub(super) fn of(url: &str) -> Result<Address> {
        let (url, words) = split(url)?;
        let mut config = url.parse::<Config>().map_err(|why| refused(&chain(&why)))?;
        let choice = choose(&words, config.get_hosts())?;
        config.ssl_mode(choice.mode);
        config.application_name("landfall").connect_timeout(limits::CATALOG_CONNECT_TIMEOUT);
        // A server that vanished without a word is noticed after half a minute.
        config.keepalives_idle(Duration::from_secs(15)).keepalives_interval(Duration::from_secs(5)).keepalives_retries(3);
        config.tcp_user_timeout(limits::CATALOG_STATEMENT_TIMEOUT);
        Ok(Address { config, tls: tls::connector(choice.trust)? })
    }

    /// Connects. Where encryption is only preferred, a server that does not take it gets another try without.
    pub(super) async fn connect(&self) -> Result<Connected, tokio_postgres::Error> {
        let connected = self.config.connect(self.tls.clone()).await;
        match &connected {
            Err(why) if self.config.get_ssl_mode() == SslMode::Prefer && is_about_tls(why) => {
                tracing::debug!(why = chain(why), "the PostgreSQL catalog takes no TLS; trying without");
                let mut plain = self.config.clone();
                plain.ssl_mode(SslMode::Disable).connect(self.tls.clone()).await
            }
            _ => connected,
        }
    }
}

/// True where TLS failed, or where the server has a rule against who comes with it.
fn is_about_tls(why: &tokio_postgres::Error) -> bool {
    why.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) || tls::failed(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a URL chooses, or why it is refused.
    fn chosen(url: &str) -> Result<(SslMode, Trust), String> {
        let (rest, words) = split(url).unwrap();
        let config: Config = rest.parse().unwrap();
        choose(&words, config.get_hosts()).map(|choice| (choice.mode, choice.trust)).map_err(|error| error.message)
    }

    fn file(path: &str) -> Roots {
        Roots::File(path.into())
    }

    #[test]
    fn the_words_mean_what_libpq_means_by_them() {
        let far = |words: &str| chosen(&format!("postgres://u@db.example.com/l?{words}"));
        assert_eq!(chosen("postgres://u@db.example.com/l"), Ok((SslMode::Prefer, Trust::Anyone)));
        assert_eq!(far("sslmode=disable"), Ok((SslMode::Disable, Trust::Anyone)));
        assert_eq!(far("sslmode=prefer"), Ok((SslMode::Prefer, Trust::Anyone)));
        assert_eq!(far("sslmode=require"), Ok((SslMode::Require, Trust::Anyone)));
        assert_eq!(far("sslmode=require&sslrootcert=/a%20b.crt"), Ok((SslMode::Require, Trust::Chain(file("/a b.crt")))));
        assert_eq!(far("sslmode=verify-ca&sslrootcert=/r.crt"), Ok((SslMode::Require, Trust::Chain(file("/r.crt")))));
        assert_eq!(far("sslmode=verify-full&sslrootcert=/r.crt"), Ok((SslMode::Require, Trust::Named(file("/r.crt")))));
        assert_eq!(far("sslmode=verify-full"), Ok((SslMode::Require, Trust::Named(Roots::Platform))));
        assert_eq!(far("sslmode=verify-full&sslrootcert=system"), Ok((SslMode::Require, Trust::Named(Roots::Platform))));
    }

    #[test]
    fn this_machine_is_only_spoken_to_in_secret_when_told_to() {
        for host in ["localhost", "127.0.0.1", "%2Fvar%2Frun%2Fpostgresql"] {
            assert_eq!(chosen(&format!("postgres://u@{host}/l")), Ok((SslMode::Disable, Trust::Anyone)), "{host}");
        }
        assert_eq!(chosen("postgres://u@127.0.0.1/l?sslmode=require"), Ok((SslMode::Require, Trust::Anyone)));
        assert_eq!(chosen("postgres://u@%2Frun/l?sslmode=require"), Ok((SslMode::Disable, Trust::Anyone)), "a socket has no TLS");
        assert_eq!(chosen("postgres://u@localhost/l?sslrootcert=/r.crt"), Ok((SslMode::Prefer, Trust::Chain(file("/r.crt")))));
    }

    #[test]
    fn what_has_no_effect_or_no_meaning_is_refused() {
        let refused = |words: &str| chosen(&format!("postgres://u@db.example.com/l?{words}")).unwrap_err();
        assert!(refused("sslmode=allow").contains("`sslmode=allow` is not known; it should be `disable`"));
        assert!(refused("sslmode=disable&sslrootcert=/r.crt").contains("has no effect"));
        assert!(refused("sslmode=require&sslrootcert=system").contains("verify-full"));
        let unknown = Address::of("postgres://u@h/l?sslmode=require&sslcrt=x").err().unwrap();
        assert!(unknown.message.contains("unknown option `sslcrt`"), "{unknown}");
        let missing = Address::of("postgres://u@h/l?sslmode=verify-full&sslrootcert=/nowhere/r.crt").err().unwrap();
        assert!(missing.message.contains("/nowhere/r.crt"), "{missing}");
    }

    #[test]
    fn other_words_are_left_to_the_client_library() {
        let (url, words) = split("postgres://u:p%3F@h/l?connect_timeout=3&sslmode=require&channel_binding=require").unwrap();
        assert_eq!(
            (url.as_str(), words.mode.as_deref()),
            ("postgres://u:p%3F@h/l?connect_timeout=3&channel_binding=require", Some("require"))
        );
        assert_eq!(split("postgres://u:a?b@h/l").unwrap(), ("postgres://u:a?b@h/l".to_owned(), Words::default()));
    }
}
