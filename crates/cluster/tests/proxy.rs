//! A proxy does to connections what proofs rely on.

use std::time::{Duration, Instant};

use cluster::{Cluster, Cut, Proxy, Weather, sql};

const TABLE: &str = "CREATE TABLE t (n int)";
const WRITE: &str = "INSERT INTO t VALUES (1)";

fn count(url: &str) -> String {
    let rows = sql(url, "SELECT count(*) FROM t").expect("an answer");
    rows.into_iter().flatten().flatten().next().expect("a value")
}

/// A database, and the proxy before it.
fn world() -> (Cluster, String, Proxy) {
    let cluster = Cluster::start().expect("a cluster");
    let direct = cluster.create_database().expect("a database");
    let proxy = Proxy::to(cluster.port()).expect("a proxy");
    sql(&proxy.url(&direct), TABLE).expect("made");
    (cluster, direct, proxy)
}

/// Several statements make one transaction only where they say so.
fn committed(url: &str) -> Result<(), tokio_postgres::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let carrying = tokio::spawn(connection);
        client.batch_execute("BEGIN").await?;
        client.batch_execute(WRITE).await?;
        let commit = client.prepare("COMMIT").await?;
        let committed = client.execute(&commit, &[]).await;
        carrying.abort();
        committed.map(drop)
    })
}

#[test]
fn what_is_cut_before_a_commit_is_not_done_and_what_is_cut_after_it_is() {
    let (_cluster, direct, proxy) = world();
    let url = proxy.url(&direct);
    committed(&url).expect("committed");
    assert_eq!(count(&direct), "1");
    proxy.cut_at_commit(Cut::BeforeCommit, Weather::Fair);
    assert!(committed(&url).is_err());
    assert_eq!((count(&direct).as_str(), proxy.cuts_at_commit()), ("1", 1));
    proxy.cut_at_commit(Cut::AfterCommit, Weather::Fair);
    assert!(committed(&url).is_err());
    let give_up_at = Instant::now() + Duration::from_secs(60);
    while count(&direct) != "2" {
        assert!(Instant::now() < give_up_at, "it was sent and is not committed");
    }
    committed(&url).expect("committed");
    assert_eq!((count(&direct).as_str(), proxy.cuts_at_commit()), ("3", 2));
}

#[test]
fn weather_changes_what_passes() {
    let (_cluster, direct, proxy) = world();
    let url = proxy.url(&direct);
    let late = Duration::from_millis(30);
    proxy.set(Weather::Slow(late));
    let begun = Instant::now();
    assert_eq!(count(&url), "0");
    assert!(begun.elapsed() > 2 * late, "each way takes its time");
    proxy.set(Weather::Gone);
    assert!(sql(&url, WRITE).is_err());
    proxy.set(Weather::Silent);
    let (asked, told) = std::sync::mpsc::channel();
    let silent = url.clone();
    let asking = std::thread::spawn(move || {
        let answer = sql(&silent, WRITE);
        asked.send(()).expect("somebody waits");
        answer
    });
    assert!(told.recv_timeout(10 * late).is_err(), "nothing comes");
    proxy.cut();
    assert!(asking.join().expect("an answer").is_err());
    proxy.set(Weather::Fair);
    assert_eq!(count(&url), "0");
}
