//! `gavekort quickstart`: the main job from an empty folder.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::files::{csv_columns, mode};
use crate::common::{gavekort, get, run, until};

#[test]
fn from_nothing_to_a_thousand_cards_one_sold_and_spent() {
    let folder = TempDir::new().expect("a folder");
    let mut quickstart = gavekort(["quickstart", "--exit", "--listen", "127.0.0.1:0"]);
    let ended = run(quickstart.current_dir(folder.path())).expect_code(0);
    let data = folder.path().join("gavekort-quickstart");
    assert_eq!(mode(&data), 0o700);
    for file in ["cards.csv", "env", "first-client.json", "gavekort.db", "master.key"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    let rows = csv_columns(&data.join("cards.csv"), &["sequence", "card_id", "token", "pin", "barcode"]);
    assert_eq!(rows.len(), 1_000);
    let tokens: HashSet<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(tokens.len(), 1_000, "every token is another");
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row[0], (place + 1).to_string());
        assert!(row[2].len() == 20 && row[2].bytes().all(|byte| byte.is_ascii_digit()), "{row:?}");
        assert!(row[3].len() == 6 && row[4].starts_with("data:image/png;base64,"), "{row:?}");
    }
    for told in ["500.00 NOK", "120.00 NOK", "380.00 NOK left", "curl ", "/docs"] {
        assert!(ended.stdout.contains(told), "{told:?} in {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("gavekort_"), "no client secret is printed");
}

#[test]
fn it_runs_again_on_the_same_directory_and_makes_other_cards() {
    let folder = TempDir::new().expect("a folder");
    let quickstart = || {
        let mut command =
            gavekort(["quickstart", "--exit", "--json", "--cards", "3", "--listen", "127.0.0.1:0"]);
        run(command.arg("--data").arg(folder.path())).expect_code(0).json()
    };
    let (first, second) = (quickstart(), quickstart());
    assert_eq!(first["account"], second["account"]);
    assert_ne!(first["first_card"], second["first_card"]);
    assert_eq!(second["amount_available"], 38_000);
    let file = |shown: &serde_json::Value| shown["file"].as_str().expect("a path").to_owned();
    assert!(file(&second).ends_with("cards-2.csv"), "{second}");
    assert_eq!(fs::read_to_string(file(&second)).expect("a file").lines().count(), 4);

    fs::remove_file(folder.path().join("first-client.json")).expect("taken away");
    assert_ne!(
        quickstart()["account"],
        first["account"],
        "without credentials it makes an account of its own"
    );
}

#[test]
fn it_serves_until_it_is_interrupted_on_the_next_free_port() {
    let folder = TempDir::new().expect("a folder");
    // Taken by this test, or by somebody else on this machine: either way it has to look further.
    let _taken = TcpListener::bind("127.0.0.1:8080");
    let mut command = gavekort(["quickstart", "--cards", "1"]);
    let mut child = command.arg("--data").arg(folder.path()).spawn().expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let line =
        stderr.find_map(|line| line.ok().filter(|line| line.starts_with("listening on "))).expect("the line");
    let url = line.trim_start_matches("listening on ").split(';').next().expect("a URL");
    assert!(!url.ends_with(":8080"), "{url}");
    assert_eq!(get(&format!("{url}/readyz")).0, 200);
    kill_process(Pid::from_child(&child), Signal::INT).expect("a process");
    let status = until("it ends", || child.try_wait().expect("a process"));
    assert_eq!(status.code(), Some(0));
}
