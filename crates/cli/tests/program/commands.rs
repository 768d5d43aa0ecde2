//! What every command keeps to: exit codes, where output goes, what is never shown.

use std::fs;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::common::{CLIENT_SECRET, Server, gavekort, run};

#[test]
fn exit_codes_say_what_happened() {
    let server = Server::start();
    server.api().card_with("sold", 100);
    let client = |arguments: &[&str]| run(&mut server.client_command(arguments));
    client(&["cards", "show", "sold"]).expect_code(0);
    client(&["cards", "show", "nowhere"]).expect_code(3);
    client(&["cards", "show"]).expect_code(2);
    client(&["nonsense"]).expect_code(2);
    client(&["cards", "list", "--status", "nonsense"]).expect_code(2);
    client(&["cards", "activate", "sold", "--amount", "1", "--currency", "NOK"]).expect_code(4);
    client(&["cards", "activate", "sold", "--amount", "-1", "--currency", "NOK"]).expect_code(2);
    client(&["cards", "activate", "nowhere", "--amount", "1", "--currency", "NOK"]).expect_code(3);
    let mut wrong = server.client_command(["cards", "list"]);
    run(wrong.env("GAVEKORT_CLIENT_SECRET", "wrong")).expect_code(5);
    let mut unreachable = server.client_command(["cards", "list"]);
    run(unreachable.env("GAVEKORT_URL", "http://127.0.0.1:1")).expect_code(6);
    let mut unset = server.client_command(["cards", "list"]);
    let unset = run(unset.env_remove("GAVEKORT_ACCOUNT")).expect_code(2);
    assert!(unset.stderr.contains("GAVEKORT_ACCOUNT"), "{unset:?}");
    let help = run(&mut gavekort(["--help"])).expect_code(0);
    for code in ["0  ", "6  ", "70  ", "75  "] {
        assert!(help.stdout.contains(code), "{}", help.stdout);
    }
}

#[test]
fn a_card_can_be_activated_listed_and_shown() {
    let server = Server::start();
    server.api().batch(&["a/b c", "other"]);
    let client = |arguments: &[&str]| run(&mut server.client_command(arguments)).expect_code(0);
    let activate =
        ["cards", "activate", "a/b c", "--amount", "50000", "--currency", "NOK", "--ref-id", "sale-1"];
    assert!(client(&activate).stdout.contains("500.00 NOK"));
    assert!(client(&activate).stdout.contains("500.00 NOK"), "the same ref_id again is the same activation");
    let shown = client(&["cards", "show", "a/b c", "--json"]).json();
    assert_eq!((&shown["card_id"], &shown["amount_available"]), (&json!("a/b c"), &json!(50_000)));
    let ids = |arguments: &[&str]| {
        let listed = client(&[&["cards", "list", "--json"], arguments].concat()).json();
        let cards = listed["cards"].as_array().expect("cards").clone();
        cards.iter().map(|card| card["card_id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]), ["other", "a/b c"], "newest first");
    assert_eq!(ids(&["--status", "inactive"]), ["other"]);
    assert_eq!(ids(&["--available-min", "50000"]), ["a/b c"]);
    assert_eq!(ids(&["--search", "oth"]), ["other"]);
    let limited = client(&["cards", "list", "--limit", "1"]);
    assert!(limited.stderr.contains("there are more"), "{limited:?}");
    assert_eq!(limited.stdout.lines().count(), 2, "a heading and a card: {limited:?}");
}

#[test]
fn a_client_s_secret_can_come_from_a_file_and_is_never_shown() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("secret");
    fs::write(&file, format!("{CLIENT_SECRET}\n")).expect("written");
    let mut command = server.client_command(["cards", "list"]);
    command.env_remove("GAVEKORT_CLIENT_SECRET").env("GAVEKORT_CLIENT_SECRET_FILE", &file);
    let ended = run(&mut command).expect_code(0);
    assert!(!ended.stdout.contains(CLIENT_SECRET) && !ended.stderr.contains(CLIENT_SECRET));
    run(command.env("GAVEKORT_CLIENT_SECRET", CLIENT_SECRET)).expect_code(2);
    assert!(!server.log().contains(CLIENT_SECRET));
}

#[test]
fn the_openapi_document_and_completions_are_printed() {
    let document = run(&mut gavekort(["openapi"])).expect_code(0);
    assert_eq!(document.json()["openapi"], "3.1.0");
    assert!(document.stderr.is_empty(), "{document:?}");
    assert_eq!(run(&mut gavekort(["openapi"])).stdout, document.stdout, "the same bytes each time");
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut gavekort(["completions", shell])).expect_code(0).stdout;
        assert!(script.contains("quickstart"), "{shell}");
        if shell == "bash" {
            let typed = "COMP_WORDS=(gavekort cards is) COMP_CWORD=2; _gavekort gavekort is cards";
            let line = format!("{script}\n{typed}; echo \"${{COMPREPLY[@]}}\"");
            let chosen = run(Command::new("bash").args(["-c", &line])).expect_code(0);
            assert_eq!(chosen.stdout.trim(), "issue");
        }
    }
}

/// Whoever reads the list of processes reads flags; so there is no flag for any secret.
#[test]
fn no_command_takes_a_secret_as_a_flag() {
    for command in [&["serve"][..], &["cards", "issue"], &["client", "create"], &["account", "create"]] {
        let help = run(&mut gavekort([command, &["--help"]].concat())).expect_code(0).stdout;
        for line in help.lines().filter(|line| line.trim_start().starts_with("--")) {
            let flag = line.split_whitespace().next().unwrap_or_default();
            let names_secret =
                flag.contains("secret") || flag.contains("master-key") || flag.contains("password");
            assert!(!names_secret || flag.ends_with("-file"), "{command:?}: {line}");
        }
    }
}
