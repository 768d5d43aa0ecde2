//! `gavekort verify`.

use std::path::Path;
use std::thread;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Ended, Options, Server, gavekort, run};

fn verify(data: &Path) -> Ended {
    run(gavekort(["verify", "--json", "--data"]).arg(data))
}

#[test]
fn a_server_that_is_written_to_is_verified() {
    let server = Server::start();
    thread::scope(|threads| {
        let writers: Vec<_> = (0..2)
            .map(|worker| {
                let api = server.api();
                threads.spawn(move || {
                    for call in 0..60 {
                        let card_id = format!("{worker}-{call}");
                        api.card_with(&card_id, 100);
                        api.drawdown(&card_id, "r", 40).expect("an answer").ok();
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let found = verify(server.data()).expect_code(0).json();
            assert_eq!((&found["wrong"], &found["first"]), (&json!(0), &json!(null)));
        }
    });
    let found = verify(server.data()).expect_code(0).json();
    assert_eq!((&found["cards"], &found["transactions"]), (&json!(120), &json!(240)));
    let total = &found["totals"][0];
    assert_eq!((&total["currency"], &total["by_cards"]["balance"]), (&json!("NOK"), &json!("7200")));
    assert_eq!(total["by_cards"], total["by_transactions"]);
}

#[test]
fn a_closed_directory_is_verified_and_the_first_wrong_card_is_named() {
    let folder = TempDir::new().expect("a folder");
    let server = Options::default().data(folder.path()).start();
    server.api().card_with("good", 100);
    server.api().card_with("bad", 100);
    server.stop();
    let text = run(gavekort(["verify", "--data"]).arg(folder.path())).expect_code(0);
    assert!(text.stdout.contains("BALANCE") && text.stdout.contains("200"), "{text:?}");
    assert!(text.stderr.contains("2 cards and 2 transactions checked, 0 wrong"), "{text:?}");

    let conn = Connection::open(folder.path().join("gavekort.db")).expect("a database");
    conn.execute("UPDATE card SET funds = 101 WHERE card_id = 'bad'", []).expect("damaged");
    drop(conn);
    let ended = verify(folder.path()).expect_code(65);
    let first = &ended.json()["first"];
    assert_eq!(
        (&first["card_id"], &first["what"], &first["expected"], &first["found"]),
        (&json!("bad"), &json!("funds of the card"), &json!("100"), &json!("101"))
    );
    assert!(ended.stderr.contains("1 wrong; the first: account T12345678, card bad"), "{ended:?}");
    assert_eq!(ended.json()["wrong"], 1);
}

#[test]
fn what_cannot_be_read_is_another_matter_than_what_is_wrong() {
    let folder = TempDir::new().expect("a folder");
    verify(folder.path()).expect_code(3);
    std::fs::write(folder.path().join("gavekort.db"), "no database, whatever its name says")
        .expect("written");
    let ended = verify(folder.path()).expect_code(1);
    assert!(ended.stdout.is_empty(), "{ended:?}");
}
