//! Whom a connection to PostgreSQL trusts. Always the one rustls, provider of
//! cryptography and platform's certificates that the store uses, too.

use std::path::PathBuf;
use std::sync::Arc;

use landfall_model::{Error, ErrorKind, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whom to believe that it is the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Whoever answers: nobody else can listen in, but it may be the wrong one.
    Anyone,
    /// Whoever has a certificate by one of these.
    Chain(Roots),
    /// The same, for the host's name.
    Named(Roots),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    Platform,
    /// Certificates in PEM.
    File(PathBuf),
}

fn load(roots: &Roots) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::Platform => {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
        }
        Roots::File(path) => {
            let wrong = |why: String| Error::new(ErrorKind::BadRequest, format!("`sslrootcert={}`: {why}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|why| wrong(why.to_string()))? {
                let certificate = certificate.map_err(|why| wrong(why.to_string()))?;
                store.add(certificate).map_err(|why| wrong(why.to_string()))?;
            }
        }
    }
    if store.is_empty() {
        let message = match roots {
            Roots::Platform => "this machine has no certificates to trust; name a file of them in `sslrootcert`".to_owned(),
            Roots::File(path) => format!("`sslrootcert={}` holds no certificate", path.display()),
        };
        return Err(Error::new(ErrorKind::BadRequest, message));
    }
    Ok(store)
}

/// What connects with TLS, trusting as told.
pub(super) fn connector(trust: Trust) -> Result<MakeRustlsConnect> {
    let failed = |why: &dyn std::fmt::Display| Error::internal("setting up TLS to the catalog", why);
    let provider = Arc::new(ring::default_provider());
    let chain = |roots: &Roots| {
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(load(roots)?), Arc::clone(&provider));
        verifier.build().map(Some).map_err(|why| failed(&why))
    };
    let (chain, named) = match &trust {
        Trust::Anyone => (None, false),
        Trust::Chain(roots) => (chain(roots)?, false),
        Trust::Named(roots) => (chain(roots)?, true),
    };
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.map_err(|why| failed(&why))?.dangerous();
    let config = config.with_custom_certificate_verifier(Arc::new(Verifier { provider, chain, named }));
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

/// True if it was TLS that failed, and not what came before or after it.
pub(super) fn failed(why: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(why);
    while let Some(inner) = cause {
        let wrapped = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is::<rustls::Error>() || wrapped.is_some_and(|wrapped| wrapped.is::<rustls::Error>()) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// Asks of a certificate what was chosen, and always that who shows it has its key: without that, a password that is
/// bound to the certificate would be bound to nothing.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
    named: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is asked last: all else about it is right.
            Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }))
                if !self.named =>
            {
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
