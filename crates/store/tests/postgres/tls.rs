//! Connections by TLS: nobody reads along, and `sslmode` says who may be at the other end.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::{Cluster, Options, sql};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use store::suite::fixture::{by_id, pin_checker};
use store::suite::{Fixture, Opened, TestClock};
use store::{Error, PostgresSettings, PostgresStore, Store as _};
use tempfile::TempDir;

use super::databases::lend;

const PASSWORD: &str = "hunter2";

/// Who comes over the network must come by TLS and know the password.
const ONLY_TLS: &str = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

/// How long a connection that was dropped may still be seen.
const GONE_MAX: Duration = Duration::from_secs(60);

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// A certificate and its key, as a server reads them.
    fn sign(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

/// What a server says of itself: where a test reaches it.
fn of_localhost() -> CertificateParams {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params
}

/// A server that insists on TLS, and files of authorities.
struct Server {
    cluster: Cluster,
    /// By its socket, where nobody asks for anything.
    database: String,
    files: TempDir,
}

impl Server {
    fn with(certificate: &CertificateParams) -> Self {
        let ours = Authority::new("ours");
        let (certificate, key) = ours.sign(certificate);
        Self::of(&certificate, &key, &ours.certificate)
    }

    /// With a certificate that has signed itself.
    fn with_self_signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self::of(&certificate.pem(), &key.serialize_pem(), &certificate)
    }

    fn of(certificate: &str, key: &str, ours: &Certificate) -> Self {
        let options = Options::default().setting("ssl", "on");
        let options = options.file("server.crt", certificate).file("server.key", key);
        let cluster = options.file("pg_hba.conf", ONLY_TLS).start().expect("a PostgreSQL server");
        let url = cluster.create_database().expect("a database");
        let (_, name) = url.rsplit_once('/').expect("a path");
        let database = cluster.socket_url(name);
        sql(&database, &format!("ALTER ROLE postgres PASSWORD '{PASSWORD}'")).expect("a password");

        let files = TempDir::new().expect("a folder");
        let (foreign, namesake) = (Authority::new("foreign"), Authority::new("ours"));
        let both = foreign.certificate.pem() + &ours.pem();
        for (name, pem) in [
            ("ours.pem", ours.pem()),
            ("foreign.pem", foreign.certificate.pem()),
            ("namesake.pem", namesake.certificate.pem()),
            ("all of them.pem", both),
            ("none.pem", String::new()),
        ] {
            fs::write(files.path().join(name), pem).expect("a file of authorities");
        }
        Self { cluster, database, files }
    }

    fn url(&self, host: &str, query: &str) -> String {
        let (_, name) = self.database.rsplit_once('/').expect("a path");
        let port = self.cluster.port();
        let query = query.replace("sslrootcert=", &format!("sslrootcert={}/", self.files.path().display()));
        format!("postgres://postgres:{PASSWORD}@{host}:{port}/{name}?{query}")
    }

    fn ask(&self, question: &str) -> Vec<Vec<Option<String>>> {
        sql(&self.database, question).expect("an answer")
    }
}

async fn open(url: &str) -> Result<Arc<PostgresStore>, Error> {
    let settings = PostgresSettings { lanes: 2, readers: 1, ..PostgresSettings::default() };
    PostgresStore::open(url, Arc::new(TestClock::default()), settings, pin_checker()).await
}

async fn is_taken(url: &str) {
    let store = open(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    store.close().await.expect("closed");
}

/// It says what must be done about it, and keeps the secret.
async fn is_refused(url: &str, says: &str) {
    match open(url).await.map(|_| ()) {
        Err(Error::Open(why) | Error::Unavailable(why)) => {
            assert!(why.contains(says), "{url}: {why}");
            assert!(!why.contains(PASSWORD), "{url}: {why}");
        }
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_is_encrypted() {
    let server = Server::with(&of_localhost());
    let store = open(&server.url("localhost", "sslmode=verify-full&sslrootcert=ours.pem")).await;
    let store = store.expect("a store");
    let clock = Arc::new(TestClock::default());
    let f = Fixture::new(Opened { store: store.clone(), keep: Box::new(()) }, clock).await;
    f.has_card("card", 100).await;
    f.done(f.draw(by_id("card"), "drawn", 1)).await;
    f.read("card").await;
    let turn = store.try_turn("sweep").await.expect("an answer");
    assert!(turn.is_some());
    // Two lanes, one that reads, one that listens, one that has the turn. Those that brought the schema are going.
    let count = "SELECT ssl, count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) \
        WHERE application_name = 'gavekort' GROUP BY ssl";
    let five = [[Some("t".to_owned()), Some("5".to_owned())]];
    let began = Instant::now();
    while server.ask(count) != five {
        assert!(began.elapsed() < GONE_MAX, "{:?}", server.ask(count));
    }
    let listens = "SELECT DISTINCT ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) \
        WHERE query LIKE '%FROM news'";
    assert_eq!(server.ask(listens), [[Some("t".to_owned())]]);
    f.store.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_asked_who_it_is_as_sslmode_says() {
    let server = Server::with(&of_localhost());
    let elsewhere = "db.elsewhere.example";
    for (host, query) in [
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=ours.pem"),
        ("localhost", "sslmode=verify-full&sslrootcert=all%20of%20them.pem"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=ours.pem&channel_binding=require"),
        (elsewhere, "hostaddr=127.0.0.1&sslmode=verify-ca&sslrootcert=ours.pem"),
        (elsewhere, "hostaddr=127.0.0.1&sslmode=require&sslrootcert=ours.pem"),
        (elsewhere, "hostaddr=127.0.0.1&sslmode=require"),
        (elsewhere, "hostaddr=127.0.0.1&sslmode=prefer"),
        (elsewhere, "hostaddr=127.0.0.1"),
    ] {
        is_taken(&server.url(host, query)).await;
    }
    // A socket never has TLS, and who says nothing of it is not turned away.
    is_taken(&server.database).await;
    let unknown = "of no authority that is trusted: sslrootcert";
    for (host, query, says) in [
        (elsewhere, "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=ours.pem", "only valid for DnsName"),
        (elsewhere, "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=ours.pem", elsewhere),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=foreign.pem", unknown),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=foreign.pem", unknown),
        ("127.0.0.1", "sslmode=require&sslrootcert=foreign.pem", unknown),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=namesake.pem", unknown),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=none.pem", "no authority is trusted"),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=missing.pem", "missing.pem"),
        ("127.0.0.1", "sslmode=disable", "no encryption"),
    ] {
        is_refused(&server.url(host, query), says).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_to_be_wrong_and_not_told() {
    let server = Server::with(&of_localhost());
    server.ask("ALTER ROLE postgres PASSWORD 'another'");
    let url = server.url("127.0.0.1", "sslmode=verify-full&sslrootcert=ours.pem");
    is_refused(&url, "password authentication failed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_expired_is_refused_where_it_is_looked_at() {
    let mut params = of_localhost();
    params.not_after = date_time_ymd(2001, 1, 1);
    let server = Server::with(&params);
    for mode in ["verify-full", "verify-ca"] {
        let query = format!("sslmode={mode}&sslrootcert=ours.pem");
        is_refused(&server.url("127.0.0.1", &query), "expired").await;
    }
    is_taken(&server.url("127.0.0.1", "sslmode=require")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_without_the_names_of_hosts_serves_verify_ca() {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let server = Server::with(&params);
    is_taken(&server.url("localhost", "sslmode=verify-ca&sslrootcert=ours.pem")).await;
    let url = server.url("127.0.0.1", "sslmode=verify-full&sslrootcert=ours.pem");
    is_refused(&url, "subjectAltName").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_signed_itself_is_an_authority_for_itself_alone() {
    let own = "sslmode=verify-full&sslrootcert=ours.pem";
    let server = Server::with_self_signed(&of_localhost());
    is_taken(&server.url("127.0.0.1", own)).await;
    let mut params = of_localhost();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let server = Server::with_self_signed(&params);
    is_taken(&server.url("127.0.0.1", "sslmode=require")).await;
    is_refused(&server.url("127.0.0.1", own), "CA:FALSE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_taken_unless_tls_is_demanded() {
    let lent = lend();
    let url = |query: &str| {
        format!("{}?{query}", lent.url().replace("postgres@", &format!("postgres:{PASSWORD}@")))
    };
    is_taken(&url("sslmode=disable")).await;
    is_taken(&url("sslmode=prefer")).await;
    is_taken(&url("")).await;
    let encrypted = "SELECT count(*) FROM pg_stat_ssl WHERE ssl";
    assert_eq!(sql(lent.url(), encrypted).expect("a count"), [[Some("0".to_owned())]]);
    let authority = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&authority, Authority::new("ours").certificate.pem()).expect("written");
    let verify = format!("sslmode=verify-full&sslrootcert={}", authority.path().display());
    for query in ["sslmode=require", &verify] {
        is_refused(&url(query), "does not support TLS").await;
    }
}
