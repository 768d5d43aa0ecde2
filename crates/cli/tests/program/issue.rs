//! `gavekort cards issue`: exactly as many cards as asked for, however often it is interrupted.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use crate::common::files::{csv_columns, mode};
use crate::common::{Ended, Options, Server, run, until};

const COUNT: usize = 5_000;

/// Small, so that there are many moments between two of them.
const BATCH: usize = 50;

fn issue(server: &Server, out: &Path) -> Command {
    let (count, batch) = (COUNT.to_string(), BATCH.to_string());
    let mut command = server.client_command(["cards", "issue", "--prefix", "X-", "--count", &count]);
    command
        .args(["--batch-size", &batch, "--numbers", "--length", "16", "--token-prefix", "9", "--out"])
        .arg(out);
    command
}

fn journal(out: &Path) -> PathBuf {
    out.with_extension("csv.progress")
}

/// Whole lines of the journal: its heading, and one for each batch that is in the output.
fn noted(out: &Path) -> usize {
    fs::read_to_string(journal(out)).map_or(0, |text| text.matches('\n').count())
}

/// Every card once, in order, each with a token of its own, and all of them known to the server.
#[track_caller]
fn assert_complete(server: &Server, out: &Path) {
    let rows = csv_columns(out, &["sequence", "card_id", "token", "pin"]);
    let expected: Vec<String> = (1..=COUNT).map(|number| format!("X-{number:06}")).collect();
    let ids: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(ids, expected);
    let tokens: HashSet<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(tokens.len(), COUNT);
    assert!(rows.iter().all(|row| row[2].len() == 17 && row[3].len() == 6));
    assert_eq!(mode(out), 0o600);
    assert!(!journal(out).exists());

    let listed = run(&mut server.client_command(["cards", "list", "--all", "--json"])).expect_code(0).json();
    let listed: HashSet<&str> = listed["cards"]
        .as_array()
        .expect("cards")
        .iter()
        .filter_map(|card| card["card_id"].as_str())
        .collect();
    assert_eq!(listed.len(), COUNT, "no card too many");
    assert!(ids.iter().all(|id| listed.contains(id)));
    let api = server.api();
    for row in [&rows[0], &rows[COUNT / 2], &rows[COUNT - 1]] {
        api.post(&format!("wallets/cards/{}/activate", row[1]), &json!({"amount": 100, "currency": "NOK"}))
            .ok();
        let body =
            json!({"token": row[2], "ref_id": "r", "type": "drawdown", "amount": 1, "currency": "NOK"});
        let taken = api.post("wallets/transactions", &body).ok();
        assert_eq!(taken["card_id"], row[1].as_str(), "the token in the row is the card's");
    }
}

#[test]
fn killed_at_any_point_it_goes_on_where_it_stopped() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cards.csv");
    // Lines of the journal at which to kill: as soon as it is there, in the middle, near the end.
    for lines in [1, 2, 5, 20, 50, 51, 90, COUNT / BATCH] {
        let mut child = issue(&server, &out).spawn().expect("the program starts");
        until("so many batches are noted", || {
            let ended = child.try_wait().expect("a process").is_some();
            (noted(&out) >= lines || ended).then_some(())
        });
        child.kill().expect("a process");
        child.wait().expect("its end");
        if out.exists() && !journal(&out).exists() {
            break;
        }
    }
    if journal(&out).exists() {
        let ended = run(&mut issue(&server, &out)).expect_code(0);
        assert!(ended.stderr.contains("5000 cards"), "{ended:?}");
    }
    assert_complete(&server, &out);
}

#[test]
fn stopped_by_a_signal_it_says_so_and_goes_on_where_it_stopped() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cards.csv");
    for (signal, lines) in [(Signal::INT, 2), (Signal::TERM, 10)] {
        let child = issue(&server, &out).spawn().expect("the program starts");
        until("some batches are noted", || (noted(&out) > lines).then_some(()));
        kill_process(Pid::from_child(&child), signal).expect("a process");
        let ended = Ended::from(child.wait_with_output().expect("its end")).expect_code(75);
        assert!(ended.stderr.contains("goes on where it stopped"), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    run(&mut issue(&server, &out)).expect_code(0);
    assert_complete(&server, &out);
}

#[test]
fn out_of_room_it_says_so_and_goes_on_once_there_is_some() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cards.csv");
    let whole = issue(&server, &out);
    // No file of this shell's may grow beyond some kilobytes; what would is refused as a full disk does.
    let mut cramped = Command::new("sh");
    cramped.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""]);
    cramped.arg(whole.get_program()).args(whole.get_args()).env_clear();
    cramped.envs(whole.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for _ in 0..2 {
        let ended = run(&mut cramped).expect_code(75);
        assert!(ended.stderr.contains("cannot write") && ended.stderr.contains("cards.csv"), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    }
    assert!(noted(&out) > 1, "what fitted is kept");
    run(&mut issue(&server, &out)).expect_code(0);
    assert_complete(&server, &out);
}

#[test]
fn it_outlives_the_server_it_talks_to() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cards.csv");
    let child = issue(&server, &out).arg("--json").spawn().expect("the program starts");
    until("some batches are noted", || (noted(&out) > 3).then_some(()));
    let server = server.kill().start();
    until("some more batches are noted", || (noted(&out) > 9 || !journal(&out).exists()).then_some(()));
    let server = server.kill().start();
    let ended = Ended::from(child.wait_with_output().expect("its end")).expect_code(0);
    assert_eq!(ended.json()["cards"], COUNT);
    assert_complete(&server, &out);
}

#[test]
fn where_the_server_stays_away_it_says_to_try_later_and_then_goes_on() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cards.csv");
    let child = issue(&server, &out).args(["--patience", "0"]).spawn().expect("the program starts");
    until("some batches are noted", || (noted(&out) > 3).then_some(()));
    let again = server.kill();
    let ended = Ended::from(child.wait_with_output().expect("its end")).expect_code(75);
    assert!(ended.stderr.contains("goes on where it stopped"), "{ended:?}");
    let server = again.start();
    run(&mut issue(&server, &out)).expect_code(0);
    assert_complete(&server, &out);
}

#[test]
fn an_output_that_was_lost_is_written_again_with_the_same_cards() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cards.csv");
    let mut child = issue(&server, &out).spawn().expect("the program starts");
    until("some batches are noted", || (noted(&out) > 5).then_some(()));
    child.kill().expect("a process");
    child.wait().expect("its end");
    fs::remove_file(&out).expect("lost");
    run(&mut issue(&server, &out)).expect_code(0);
    assert_complete(&server, &out);
}

#[test]
fn what_is_there_is_not_overwritten_and_another_order_does_not_mix_in() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cards.csv");
    let small = |count: &str, prefix: &str| {
        let mut command =
            server.client_command(["cards", "issue", "--prefix", prefix, "--count", count, "--out"]);
        command.arg(&out);
        run(&mut command)
    };
    small("2", "A-").expect_code(0);
    let before = fs::read(&out).expect("a file");
    let refused = small("2", "B-").expect_code(4);
    assert!(refused.stderr.contains("exists"), "{refused:?}");
    assert_eq!(fs::read(&out).expect("a file"), before);

    fs::remove_file(&out).expect("taken away");
    let taken = small("2", "A-").expect_code(4);
    assert!(taken.stderr.contains("CARD_ID_TAKEN") && taken.stderr.contains("A-000001"), "{taken:?}");
    let other = small("3", "A-").expect_code(4);
    assert!(other.stderr.contains("differs in --count"), "{other:?}");
}

#[test]
fn wrong_credentials_leave_nothing_behind() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cards.csv");
    let wrong = "a-wrong-secret-of-more-than-32-characters";
    run(issue(&server, &out).env("GAVEKORT_CLIENT_SECRET", wrong)).expect_code(5);
    let nobody = Options::default().start();
    let url = nobody.url.clone();
    drop(nobody);
    run(issue(&server, &out).env("GAVEKORT_URL", url)).expect_code(6);
    run(issue(&server, &out).env("GAVEKORT_CLIENT_SECRET", "")).expect_code(2);
    for bad in [["--prefix", "=1+"], ["--token-prefix", "@A"], ["--batch-size", "1001"], ["--count", "0"]] {
        run(&mut replaced(issue(&server, &out), bad)).expect_code(2);
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

/// The command with one flag's value replaced.
fn replaced(command: Command, [flag, value]: [&str; 2]) -> Command {
    let mut arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let place = arguments.iter().position(|argument| argument == flag).expect("the flag");
    arguments[place + 1] = value.into();
    let mut other = crate::common::gavekort(arguments);
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other
}
