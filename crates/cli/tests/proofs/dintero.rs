//! The published client of the API that Gavekort speaks, unchanged.

use std::path::Path;
use std::process::Command;

use crate::common::{ACCOUNT, CLIENT_ID, CLIENT_SECRET, Ended, Server, until};

const PYTHON: &str = "GAVEKORT_TEST_PYTHON";

#[test]
fn the_published_client_authenticates_and_tells_bad_credentials_from_good_ones() {
    let python = std::env::var_os(PYTHON);
    let python =
        python.unwrap_or_else(|| panic!("{PYTHON} is not set: run `cargo xtask test`, which sets it"));
    let server = Server::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proofs/published_client.py");
    let mut command = Command::new(python);
    // Proxies of the machine are for other servers.
    command.arg(script).args([&server.url, ACCOUNT, CLIENT_ID, CLIENT_SECRET]).env("NO_PROXY", "127.0.0.1");
    let said = Ended::from(command.output().expect("an interpreter")).expect_code(0);
    let expected = [
        "version 0.0.9",
        "token parts 3",
        "kept True",
        "made 200 500",
        "read unused",
        "wrong secret: AuthError 401 application/json",
        "unknown client: AuthError 401 application/json",
        "unknown account: AuthError 401 application/json",
        "malformed account: InvalidRequestBody 400",
    ];
    assert_eq!(said.stdout.lines().collect::<Vec<_>>(), expected, "{}", said.stderr);
}

#[test]
fn the_names_the_published_client_gives_itself_are_logged() {
    let server = Server::start();
    let told = [("dintero-system-name", "the-shop"), ("dintero-system-version", "1.2.3")];
    server.api().try_send(reqwest::Method::GET, "wallets/cards", None, &told).expect("an answer").ok();
    until("a line of the log", || {
        let log = server.log();
        log.lines().any(|line| line.contains("the-shop") && line.contains("1.2.3")).then_some(())
    });
}
