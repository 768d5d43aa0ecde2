//! Private servers do what proofs rely on.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cluster::{Cluster, Options, sql};
use tempfile::TempDir;

fn one(url: &str, statement: &str) -> String {
    let rows = sql(url, statement).expect("an answer");
    rows.into_iter().flatten().flatten().next().expect("a value")
}

/// Waits for what comes by itself.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up_at = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < give_up_at, "{what}: not in a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_server_is_durable_and_speaks_utf_8_by_bytes() {
    let cluster = Cluster::start().expect("a cluster");
    for url in [&cluster.url("postgres"), &cluster.socket_url("postgres")] {
        for (setting, value) in [
            ("fsync", "on"),
            ("synchronous_commit", "on"),
            ("full_page_writes", "on"),
            ("server_encoding", "UTF8"),
            ("lc_collate", "C"),
        ] {
            assert_eq!(one(url, &format!("SHOW {setting}")), value, "{setting}");
        }
    }
}

#[test]
fn settings_are_chosen_by_the_caller() {
    let cluster = Options::default().setting("synchronous_commit", "off").start().expect("a cluster");
    assert_eq!(one(&cluster.url("postgres"), "SHOW synchronous_commit"), "off");
}

#[test]
fn a_killed_server_starts_again_with_what_was_committed() {
    let folder = TempDir::new().expect("a folder");
    open_to_all(folder.path());
    let data = folder.path().join("data");
    let cluster = Options::default().data(&data).start().expect("a cluster");
    let database = cluster.create_database().expect("a database");
    sql(&database, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").expect("written");
    cluster.kill().expect("killed");
    assert!(sql(&database, "SELECT 1").is_err());
    cluster.start_again().expect("started");
    assert_eq!(one(&database, "SELECT n FROM kept"), "7");
    cluster.stop().expect("stopped");
    assert!(cluster.stop().is_err());
    cluster.start_again().expect("started");
    assert_eq!(one(&database, "SELECT n FROM kept"), "7");
    drop((database, cluster));
    assert!(data.join("PG_VERSION").is_file(), "the caller's folder stays");
}

/// The server's user must be let in, whom a temporary folder keeps out.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

#[test]
fn a_paused_server_answers_once_it_is_resumed() {
    let cluster = Cluster::start().expect("a cluster");
    let url = cluster.url("postgres");
    cluster.pause().expect("paused");
    let asked = std::thread::spawn(move || one(&url, "SELECT 5"));
    // It has come to the port, and nobody takes it.
    until("a connection waits", || waits_at(cluster.port()));
    assert!(!asked.is_finished());
    cluster.resume().expect("resumed");
    assert_eq!(asked.join().expect("an answer"), "5");
}

/// Whether a connection to this port of 127.0.0.1 is established.
fn waits_at(port: u16) -> bool {
    let connections = std::fs::read_to_string("/proc/net/tcp").expect("connections");
    connections.contains(&format!("0100007F:{port:04X} 01"))
}

#[test]
fn databases_know_nothing_of_each_other() {
    let cluster = Cluster::start().expect("a cluster");
    let [one_url, other_url] = [(); 2].map(|()| cluster.create_database().expect("a database"));
    sql(&one_url, "CREATE TABLE t (n int); INSERT INTO t VALUES (3)").expect("written");
    assert_eq!(one(&one_url, "SELECT n FROM t"), "3");
    assert_eq!(one(&other_url, "SELECT count(*) FROM pg_tables WHERE tablename = 't'"), "0");
}

#[test]
fn a_server_ends_with_its_process_however_that_ends() {
    for end in [End::Kill, End::Input] {
        let mut owner = Command::new(env!("CARGO_BIN_EXE_cluster"));
        let mut owner = owner.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut url = String::new();
        BufReader::new(owner.stdout.take().expect("a pipe")).read_line(&mut url).expect("a line");
        let url = url.trim_end();
        let data = one(url, "SHOW data_directory");
        match end {
            End::Kill => owner.kill().expect("a process"),
            End::Input => drop(owner.stdin.take()),
        }
        owner.wait().expect("its end");
        until("the folder goes", || !Path::new(&data).parent().expect("a folder").exists());
        assert!(sql(url, "SELECT 1").is_err(), "{end:?}");
    }
}

#[derive(Debug)]
enum End {
    Kill,
    Input,
}
