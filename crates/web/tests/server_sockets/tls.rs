//! TLS with a certificate of the test's own.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use web::server::{Limits, Tls, TlsFault, TlsFiles};

use super::support::{Client, Running, SHORT, listener};

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

fn files(certified: &CertifiedKey<KeyPair>) -> TlsFiles {
    TlsFiles {
        cert: certified.cert.pem().into_bytes(),
        key: certified.signing_key.serialize_pem().into_bytes(),
    }
}

async fn start(certified: &CertifiedKey<KeyPair>, limits: Limits) -> Running {
    let tls = Tls::new(&files(certified)).expect("usable files");
    let router = Router::new().route("/", get(async || "hello"));
    Running::start_on(listener().await, router, limits, Some(tls))
}

async fn handshake(server: &Running, root: CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions that the provider knows")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TcpStream::connect(server.address).await.expect("the server listens");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn requests_are_served_over_tls() {
    let certified = certificate();
    let server = start(&certified, Limits::default()).await;
    let stream = handshake(&server, certified.cert.der().clone()).await.expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
    let mut client = Client::new(stream);
    assert_eq!(client.get("/").await.body, "hello");
    assert_eq!(client.get("/").await.body, "hello");
    server.say_stop();
    client.time_to_close().await;
    assert_eq!(server.stopped().await.connections_cut, 0);
}

#[tokio::test]
async fn a_client_that_trusts_another_certificate_does_not_get_in() {
    let server = start(&certificate(), Limits::default()).await;
    handshake(&server, certificate().cert.der().clone()).await.expect_err("a foreign certificate");
}

#[tokio::test]
async fn a_handshake_that_stalls_is_hung_up_on() {
    let server = start(&certificate(), Limits { header: SHORT, ..Limits::default() }).await;
    let took = server.client().await.time_to_close().await;
    assert!(took >= SHORT / 2, "{took:?}");
}

#[tokio::test]
async fn a_handshake_that_stalls_does_not_hold_up_the_stop() {
    let server = start(&certificate(), Limits::default()).await;
    let mut silent = server.client().await;
    server.metric_becomes(super::support::CONNECTIONS_OPEN, 1.0).await;
    server.say_stop();
    silent.time_to_close().await;
    assert_eq!(server.stopped().await.connections_cut, 0);
}

#[tokio::test]
async fn beyond_the_bound_a_tls_client_is_hung_up_on() {
    let certified = certificate();
    let server = start(&certified, Limits { connections_max: 1, ..Limits::default() }).await;
    let served = handshake(&server, certified.cert.der().clone()).await.expect("a handshake");
    handshake(&server, certified.cert.der().clone()).await.expect_err("no room");
    assert_eq!(server.metric(super::support::CONNECTIONS_REFUSED).await, 1.0);
    assert_eq!(Client::new(served).get("/").await.body, "hello");
}

#[test]
fn files_of_no_use_are_told_apart() {
    let fault = |files: &TlsFiles| Tls::new(files).err().expect("a fault");
    let (good, other) = (files(&certificate()), files(&certificate()));
    let with = |cert: &[u8], key: &[u8]| fault(&TlsFiles { cert: cert.to_vec(), key: key.to_vec() });
    let cut = |pem: &[u8]| pem[..pem.len() / 2].to_vec();

    assert!(matches!(with(b"", &good.key), TlsFault::NoCertificate));
    assert!(matches!(with(&good.key, &good.key), TlsFault::NoCertificate));
    assert!(matches!(with(&cut(&good.cert), &good.key), TlsFault::BadCertificate(_)));
    assert!(matches!(with(&good.cert, b"secret"), TlsFault::NoKey));
    assert!(matches!(with(&good.cert, &good.cert), TlsFault::NoKey));
    assert!(matches!(with(&good.cert, &cut(&good.key)), TlsFault::BadKey(_)));
    let mismatch = with(&good.cert, &other.key);
    assert!(matches!(mismatch, TlsFault::Unusable(_)));
    assert!(mismatch.to_string().starts_with("the certificate and the key cannot be used: "), "{mismatch}");
}
