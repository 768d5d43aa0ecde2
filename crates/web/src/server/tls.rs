//! TLS, by rustls with aws-lc-rs.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The contents of the files that an operator names.
pub struct TlsFiles {
    /// The certificate, then those that lead from it to the root, in PEM.
    pub cert: Vec<u8>,
    /// The private key of the first certificate, in PEM (PKCS #8, PKCS #1 or SEC1).
    pub key: Vec<u8>,
}

/// What a listener needs to speak TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Why files are of no use for TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// No `BEGIN CERTIFICATE` in the file.
    #[error("the certificate file holds no certificate in PEM")]
    NoCertificate,
    /// A certificate is cut off or garbled.
    #[error("the certificate file cannot be read as PEM: {0}")]
    BadCertificate(#[source] pem::Error),
    /// No `BEGIN PRIVATE KEY` or older form of it in the file.
    #[error("the key file holds no private key in PEM")]
    NoKey,
    /// The key is cut off or garbled.
    #[error("the key file cannot be read as PEM: {0}")]
    BadKey(#[source] pem::Error),
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate and the key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Tls {
    /// Checks that the files can be read and that the key is the certificate's own.
    ///
    /// # Errors
    ///
    /// Says which file is at fault, where one is.
    pub fn new(files: &TlsFiles) -> Result<Self, TlsFault> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&files.cert)
            .collect::<Result<_, _>>()
            .map_err(TlsFault::BadCertificate)?;
        if chain.is_empty() {
            return Err(TlsFault::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsFault::NoKey,
            other => TlsFault::BadKey(other),
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.0.accept(stream).await
    }
}
