//! `gavekort backup`, `restore` and `doctor`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::files::mode;
use crate::common::{Ended, Options, Server, gavekort, run, until};

fn command(name: &str, data: &Path) -> Ended {
    run(gavekort([name, "--json", "--data"]).arg(data))
}

fn with_file(name: &str, file: &Path, data: &Path) -> Ended {
    run(gavekort([name]).arg(file).arg("--data").arg(data))
}

/// The findings of `doctor` by their check.
fn findings(ended: &Ended) -> BTreeMap<String, (String, String)> {
    let text = |finding: &Value, name: &str| finding[name].as_str().expect("text").to_owned();
    let found = ended.json();
    let found = found["findings"].as_array().expect("findings").iter();
    found.map(|one| (text(one, "check"), (text(one, "level"), text(one, "message")))).collect()
}

#[test]
fn a_backup_under_load_holds_everything_answered_before_it_and_can_be_served() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let (file, restored) = (folder.path().join("cards.db"), folder.path().join("restored"));
    let (made, enough) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let before = thread::scope(|threads| {
        for worker in 0..4 {
            let (api, made, enough) = (server.api(), &made, &enough);
            threads.spawn(move || {
                for call in 0.. {
                    let card_id = format!("{worker}-{call}");
                    api.card_with(&card_id, 100);
                    api.drawdown(&card_id, "r", 40).expect("an answer").ok();
                    made.lock().expect("a list").push(card_id);
                    if enough.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        let count = |more: usize| {
            until("some load", || {
                let made = made.lock().expect("a list");
                (made.len() >= more).then(|| made.clone())
            })
        };
        let before = count(30);
        let ended = with_file("backup", &file, server.data()).expect_code(0);
        assert!(ended.stderr.contains("The master key is not in it"), "{ended:?}");
        // Load went on all the while.
        count(before.len() + 10);
        enough.store(true, Ordering::Relaxed);
        before
    });
    assert_eq!(mode(&file), 0o600);
    let key = fs::read_to_string(server.data().join("master.key")).expect("the key");
    let needle = key.trim().as_bytes();
    assert!(!fs::read(&file).expect("the file").windows(needle.len()).any(|bytes| bytes == needle));

    with_file("restore", &file, &restored).expect_code(0);
    let without = Options::default().data(&restored).refused().expect_code(1);
    assert!(without.stderr.contains("is missing"), "{without:?}");
    let doctor =
        run(gavekort(["doctor", "--json", "--data"]).arg(&restored).env("GAVEKORT_MASTER_KEY", key.trim()));
    let seen = findings(&doctor);
    assert_eq!((&*seen["database"].0, &*seen["master key"].0), ("ok", "ok"), "{seen:?}");
    let server = Options::default().data(&restored).variable("GAVEKORT_MASTER_KEY", key.trim()).start();
    let api = server.api();
    for card_id in before {
        let card = api.get(&format!("wallets/cards/{card_id}")).ok();
        assert_eq!(
            (&card["amount_available"], &card["status"]),
            (&json!(60), &json!("partially_used")),
            "{card_id}"
        );
    }
    api.card_with("after", 100);
}

#[test]
fn nothing_is_overwritten_by_a_backup_or_a_restore() {
    let server = Server::start();
    let folder = TempDir::new().expect("a folder");
    let (file, nowhere) = (folder.path().join("cards.db"), folder.path().join("nowhere"));
    with_file("backup", &file, &nowhere).expect_code(3);
    with_file("restore", &file, &nowhere).expect_code(3);
    assert!(!nowhere.exists() && !file.exists());
    with_file("backup", &file, server.data()).expect_code(0);
    let before = fs::read(&file).expect("a file");
    with_file("backup", &file, server.data()).expect_code(4);
    assert_eq!(fs::read(&file).expect("a file"), before);
    with_file("restore", &file, server.data()).expect_code(4);

    let mut damaged = before;
    let middle = damaged.len() / 2;
    for byte in &mut damaged[middle..] {
        *byte ^= 0xff;
    }
    let bad = folder.path().join("damaged.db");
    fs::write(&bad, damaged).expect("written");
    with_file("restore", &bad, &nowhere).expect_code(1);
    assert!(!nowhere.join("gavekort.db").exists(), "a damaged backup is no database");
}

#[test]
fn doctor_finds_nothing_wrong_with_a_sound_installation() {
    let server = Server::start();
    server.api().card_with("a", 100);
    let beside = command("doctor", server.data()).expect_code(0);
    for (check, (level, message)) in findings(&beside) {
        // How full this machine's disk is is not the test's business.
        assert!(level == "ok" || check == "disk", "{check}: {message}");
    }
    assert!(findings(&beside)["server"].1.contains("a server runs"));
    let (data, again) = (server.data().to_owned(), server.stop());
    let alone = command("doctor", &data).expect_code(0);
    assert!(findings(&alone)["server"].1.contains("no server runs"));
    let text = run(gavekort(["doctor", "--data"]).arg(&data)).expect_code(0).stdout;
    assert!(text.contains("master key") && text.contains("database"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where nobody watches");
    drop(again);
}

#[test]
fn doctor_warns_of_what_an_operator_should_look_at() {
    let folder = TempDir::new().expect("a folder");
    let production =
        || Options::default().data(folder.path()).variable("GAVEKORT_BOOTSTRAP_ACCOUNT", "P12345678");
    production().start().stop();
    fs::write(folder.path().join("first-client.json"), "{}").expect("written");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("changed");
    let found = findings(&command("doctor", folder.path()).expect_code(0));
    assert_eq!(found["credentials"].0, "warning");
    assert_eq!(found["directory"].0, "warning");
    assert_eq!(found["master key"].0, "warning");
    assert!(found["master key"].1.contains("production account"), "{found:?}");

    let key = fs::read_to_string(folder.path().join("master.key")).expect("the key");
    fs::remove_file(folder.path().join("master.key")).expect("kept elsewhere");
    let elsewhere = run(gavekort(["doctor", "--json", "--data"])
        .arg(folder.path())
        .env("GAVEKORT_MASTER_KEY", key.trim()));
    assert_eq!(findings(&elsewhere)["master key"].0, "ok");
}

#[test]
fn doctor_fails_where_the_server_would_not_start_or_the_database_is_damaged() {
    let folder = TempDir::new().expect("a folder");
    command("doctor", folder.path()).expect_code(3);
    let server = Options::default().data(folder.path()).start();
    let ids: Vec<String> = (0..1_000).map(|number| format!("card-{number}")).collect();
    server.api().batch(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    server.stop();
    let (key, database) = (folder.path().join("master.key"), folder.path().join("gavekort.db"));
    let right = fs::read_to_string(&key).expect("the key");

    fs::write(&key, format!("{}=\n", "A".repeat(43))).expect("written");
    let found = findings(&command("doctor", folder.path()).expect_code(1));
    assert_eq!(found["master key"].0, "error", "{found:?}");
    fs::remove_file(&key).expect("lost");
    let found = findings(&command("doctor", folder.path()).expect_code(1));
    assert!(found["master key"].1.contains("there is none"), "{found:?}");
    fs::write(&key, right).expect("written");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changed");
    let found = findings(&command("doctor", folder.path()).expect_code(1));
    assert!(found["master key"].1.contains("chmod 600"), "{found:?}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("changed");
    command("doctor", folder.path()).expect_code(0);

    let mut bytes = fs::read(&database).expect("the database");
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 8_192] {
        *byte ^= 0xff;
    }
    fs::write(&database, bytes).expect("damaged");
    let found = findings(&command("doctor", folder.path()).expect_code(1));
    assert_eq!(found["database"].0, "error", "{found:?}");

    let truncated = fs::File::options().write(true).open(&database).expect("the database");
    truncated.set_len(20_000).expect("truncated");
    let found = findings(&command("doctor", folder.path()).expect_code(1));
    assert_eq!(found["database"].0, "error", "{found:?}");
    let refused = Options::default().data(folder.path()).refused().expect_code(1);
    assert!(refused.stderr.contains("`gavekort doctor` says what to do"), "{refused:?}");
}
