//! Secrets are sent through every route and every kind of refusal, and then looked for where they do not belong.
//!
//! None is sent as `X-Request-Id` or `Dintero-System-…`: what clients say there is meant for the log. Nor as a name,
//! an id or metadata: those are kept and shown.

mod canary;
mod exchange;
mod faults;
mod tour;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::common::{ACCOUNT, Options, Server, run, until};
use crate::support::chance::Chance;
use crate::support::metrics::Measured;
use crate::support::strace::Strace;
use canary::Canaries;
use exchange::{Call, Door};

/// What is known so far, and what was seen where it must not be.
pub struct Hunt<'s> {
    server: &'s Server,
    chance: Chance,
    canaries: Canaries,
    client_secret: String,
    bearer: String,
    /// Everything in which no secret may be, with its name.
    seen: Vec<(String, Vec<u8>)>,
}

impl<'s> Hunt<'s> {
    /// A secret of a client's making, with characters that are written differently here and there.
    fn planted(&mut self, what: &str) -> String {
        let secret = format!("{}\"{}\\%+/{}", what.replace(' ', "-"), self.chance.word(), self.chance.word());
        self.canaries.add(what, &secret);
        secret
    }

    /// Sends a request whose answer must show no secret.
    fn ask(&mut self, door: Door, call: &Call) -> u16 {
        let answered = call.send(self.server, door).expect("an answer");
        self.seen.push((format!("the answer to {} {} ({door:?})", call.method, call.path), answered.bytes));
        answered.status
    }

    /// Keeps what a command says, in which no secret may be.
    fn keep_command(&mut self, arguments: &[&str], master_key: &str) {
        let mut command = self.server.operator_command(arguments);
        let ended = run(command.env("GAVEKORT_MASTER_KEY", master_key));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self.seen.push((arguments.join(" "), (ended.stdout + &ended.stderr).into_bytes()));
    }

    /// Keeps the files that the server has besides its lock and its socket.
    fn keep_files(&mut self, when: &str) {
        for file in fs::read_dir(self.server.data()).expect("a folder") {
            let path = file.expect("a file").path();
            if path.extension().is_none_or(|extension| extension != "sock") {
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                self.seen.push((format!("{name}, {when}"), fs::read(&path).expect("a file")));
            }
        }
    }

    /// The bytes that were kept under a name that begins so.
    fn size_of(&self, name: &str) -> usize {
        self.seen.iter().filter(|(seen, _)| seen.starts_with(name)).map(|(_, bytes)| bytes.len()).sum()
    }
}

/// Everything that shows no secret: commands, metrics, files while the server runs.
fn keep_everything(hunt: &mut Hunt<'_>, measured: &Measured, master_key: &str) {
    let backup = TempDir::new().expect("a folder");
    let file = backup.path().join("backup.db");
    let operator: [&[&str]; 6] = [
        &["backup", &file.to_string_lossy()],
        &["doctor"],
        &["doctor", "--json"],
        &["account", "list", "--json"],
        &["client", "list", "--account", ACCOUNT],
        &["config", "check", "--json"],
    ];
    for arguments in operator {
        hunt.keep_command(arguments, master_key);
    }
    hunt.seen.push(("the backup".to_owned(), fs::read(&file).expect("a backup")));
    hunt.seen.push(("metrics".to_owned(), measured.page().into_bytes()));
    hunt.keep_files("while the server runs");
}

/// A commit whose sync fails: the one failure of the server's own that a test can bring about.
fn fail_a_commit(hunt: &mut Hunt<'_>) {
    let strace = Strace::attach(hunt.server, "fsync,fdatasync:error=EIO");
    let key = hunt.planted("a key of a lost answer");
    let pin = r#"{"card_id": "lost", "amount": 1, "currency": "NOK", "pin": {}, "card_token": {}}"#;
    let call = Call::new("POST", &format!("/v1/accounts/{ACCOUNT}/wallets/cards")).json(pin);
    let call = call.header("authorization", &hunt.bearer).header("idempotency-key", &key);
    assert_eq!(hunt.ask(Door::Public, &call), 500);
    assert!(strace.detach().1 > 0);
}

fn hunt_through(log_format: &str) {
    let mut chance = Chance::new(&format!("secrets in a log of {log_format}"));
    let key: Vec<u8> = (0..4).flat_map(|_| chance.next().to_be_bytes()).collect();
    let (master_key, mut canaries) = (STANDARD.encode(&key), Canaries::default());
    canaries.add("the master key", &key);
    let client_secret = format!("the-first-secret\"{}\\%+/{}", chance.word(), chance.word());
    canaries.add("the first client's secret", &client_secret);
    let options = Options::default()
        .arguments(["--log-level", "trace", "--log-format", log_format])
        .variable("GAVEKORT_MASTER_KEY", &master_key)
        .variable("GAVEKORT_BOOTSTRAP_CLIENT_SECRET", &client_secret);
    let mut measured = Measured::start(options);
    let seen = Vec::new();
    let mut hunt =
        Hunt { server: &measured.server, chance, canaries, client_secret, bearer: String::new(), seen };
    tour::take(&mut hunt);
    faults::provoke(&mut hunt);
    keep_everything(&mut hunt, &measured, &master_key);
    assert!(hunt.size_of("gavekort.db-wal") > 0, "the write-ahead log is there while the server runs");
    fail_a_commit(&mut hunt);
    hunt.keep_files("after a failed commit");

    let Hunt { canaries, mut seen, .. } = hunt;
    measured.server.wait();
    let log = until("the end of the log", || {
        let log = measured.server.log();
        log.contains("the outcome of a commit is unknown, so this process ends").then_some(log)
    });
    assert!(log.contains("DEBUG") && log.contains("request answered"), "the log tells everything");
    seen.push(("the log".to_owned(), log.into_bytes()));
    let found = canaries.found_in(&seen);
    eprintln!("secrets: {} in {} places, {} found", canaries.len(), seen.len(), found.len());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_secret_is_seen_where_it_does_not_belong() {
    hunt_through("text");
}

#[test]
fn no_secret_is_seen_in_a_json_log_either() {
    hunt_through("json");
}
