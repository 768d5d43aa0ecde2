//! How a connection is kept from being read and from being somebody else's, as libpq's `sslmode` has it.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;

/// How far a server is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// No TLS.
    Disable,
    /// TLS where the server has it; it is not asked who it is.
    Prefer,
    /// TLS; the server is not asked who it is.
    Require,
    /// TLS, and a certificate of an authority that is trusted.
    Authority,
    /// TLS, and such a certificate for the host that was connected to.
    Host,
}

impl Trust {
    /// What `sslmode` and `sslrootcert` ask for. As with libpq, `require` beside a file of authorities is `verify-ca`.
    pub fn of(sslmode: Option<&str>, has_roots: bool) -> Result<Self, Error> {
        match (sslmode, has_roots) {
            (Some("disable"), false) => Ok(Self::Disable),
            (None | Some("prefer"), false) => Ok(Self::Prefer),
            (Some("require"), false) => Ok(Self::Require),
            (Some("require" | "verify-ca"), _) => Ok(Self::Authority),
            (Some("verify-full"), _) => Ok(Self::Host),
            (None | Some("disable" | "prefer"), true) => {
                Err(open("sslrootcert is given, so sslmode must be require, verify-ca or verify-full"))
            }
            _ => Err(open("sslmode must be disable, prefer, require, verify-ca or verify-full")),
        }
    }

    /// What of it the binding for PostgreSQL knows; the rest is the business of certificates.
    pub fn mode(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::Authority | Self::Host => SslMode::Require,
        }
    }
}

/// What makes TLS of a connection. Trusted authorities are those of the file, or else the system's.
pub fn connector(trust: Trust, roots: Option<&Path>) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Disable | Trust::Prefer | Trust::Require => Arc::new(Anybody(Arc::clone(&provider))),
        Trust::Authority => Arc::new(AnyHost(authorities(roots, &provider)?)),
        Trust::Host => authorities(roots, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| open(&format!("TLS: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn authorities(
    file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            let refused = |why: String| open(&format!("sslrootcert {}: {why}", file.display()));
            let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            for root in read.map_err(|error| refused(error.to_string()))? {
                roots.add(root).map_err(|error| refused(error.to_string()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(open("no authority is trusted: name a file of them by sslrootcert"));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| open(&format!("TLS: {error}")))
}

/// Why a server's certificate was not taken, where this is why there is no connection.
pub fn distrust(error: &tokio_postgres::Error) -> Option<String> {
    let fault = error.source()?.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()?;
    let rustls::Error::InvalidCertificate(fault) = fault else { return None };
    Some(match fault {
        // The second where an authority has the right name and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate is of no authority that is trusted: sslrootcert must name a file with the one that \
             signed it"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, or the clock of this machine is wrong".to_owned()
        }
        // Old ways to make one for a database give such forms.
        CertificateError::Other(form) => format!(
            "its certificate is of a form that is not supported ({form}): it must be of X.509 version 3, and a \
             server's own instead of an authority's (CA:FALSE)"
        ),
        // It tells which name was asked for and which are there.
        fault => fault.to_string(),
    })
}

fn open(what: &str) -> Error {
    Error::Open(what.to_owned())
}

/// Takes any certificate: the connection cannot be read, but may lead to anybody.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes a certificate of a trusted authority, for whichever host.
#[derive(Debug)]
struct AnyHost(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        cert: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The name is looked at last, when everything else was found right.
        match self.0.verify_server_cert(cert, between, host, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_what_libpq_makes_of_it() {
        let cases = [
            (None, false, Trust::Prefer),
            (Some("disable"), false, Trust::Disable),
            (Some("require"), false, Trust::Require),
            (Some("require"), true, Trust::Authority),
            (Some("verify-ca"), false, Trust::Authority),
            (Some("verify-full"), true, Trust::Host),
        ];
        for (sslmode, has_roots, trust) in cases {
            assert_eq!(Trust::of(sslmode, has_roots), Ok(trust), "{sslmode:?} {has_roots}");
        }
        for (sslmode, has_roots) in [(None, true), (Some("prefer"), true), (Some("allow"), false)] {
            assert!(Trust::of(sslmode, has_roots).is_err(), "{sslmode:?} {has_roots}");
        }
    }

    #[test]
    fn a_file_without_authorities_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let refused = connector(Trust::Host, Some(file.path())).err();
        assert!(matches!(refused, Some(Error::Open(_))), "{refused:?}");
    }
}
