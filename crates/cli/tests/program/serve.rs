//! `gavekort serve`: starting, refusing to start, and stopping.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::files::mode;
use crate::common::{ACCOUNT, Api, CLIENT_ID, CLIENT_SECRET, Options, Server, gavekort, get, run, until};

#[test]
fn a_first_start_makes_everything_for_its_owner_alone() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("made/by/it");
    let server = Options::default().data(&data).without_bootstrap().start();
    assert_eq!(mode(&data), 0o700);
    for file in ["master.key", "first-client.json", "gavekort.db", "gavekort.sock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    let kept = fs::read(data.join("first-client.json")).expect("credentials");
    let kept: Value = serde_json::from_slice(&kept).expect("JSON");
    let text = |name: &str| kept[name].as_str().expect("text").to_owned();
    assert_eq!(text("url"), server.url);
    assert!(text("account").starts_with('T'));
    let api = Api::new(&server.url, &text("account"), &text("client_id"), &text("client_secret"));
    api.card_with("a", 100);
    assert!(!server.log().contains(&text("client_secret")), "nobody watches, so the secret is not shown");

    let again = server.stop();
    assert!(!data.join("gavekort.sock").exists());
    let server = again.start();
    assert_eq!(fs::read(data.join("first-client.json")).expect("still there"), kept_bytes(&kept));
    Api::new(&server.url, &text("account"), &text("client_id"), &text("client_secret"));
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let folder = TempDir::new().expect("a folder");
    let ready = folder.path().join("ready.json");
    let mut command = Options::default().data(&folder.path().join("data")).command();
    let full = fs::File::options().write(true).open("/dev/full").expect("a disk without room");
    command.arg("--ready-file").arg(&ready).stderr(full);
    let mut server = command.spawn().expect("the program");
    let url = until("the ready file", || {
        let told: Value = serde_json::from_slice(&fs::read(&ready).ok()?).ok()?;
        told["url"].as_str().map(str::to_owned)
    });
    let api = Api::new(&url, ACCOUNT, CLIENT_ID, CLIENT_SECRET);
    api.card_with("a", 100);
    assert_eq!(api.drawdown("a", "receipt", 10).expect("an answer").status, 200);
    assert_eq!(api.get("wallets/cards/a").ok()["amount_balance"], 90);
    server.kill().expect("it runs still");
    server.wait().expect("ended");
}

fn kept_bytes(kept: &Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(kept).expect("JSON");
    text.push(b'\n');
    text
}

#[test]
fn bootstrap_variables_make_an_account_once() {
    let server = Server::start();
    let scopes = Api::ask_for_token(&server.url, ACCOUNT, CLIENT_ID, CLIENT_SECRET).ok();
    assert_eq!(scopes["expires_in"], 14_400);
    server.api().card_with("a", 100);
    assert!(!server.data().join("first-client.json").exists());

    let other = "another-secret-of-more-than-32-characters";
    let server = server.stop().variable("GAVEKORT_BOOTSTRAP_CLIENT_SECRET", other).start();
    assert_eq!(Api::ask_for_token(&server.url, ACCOUNT, CLIENT_ID, other).status, 401);
    assert_eq!(server.api().get("wallets/cards/a").ok()["amount_balance"], 100);
}

#[test]
fn a_bootstrap_secret_can_come_from_a_file_but_not_be_short() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("secret");
    fs::write(&file, format!("{CLIENT_SECRET}\n")).expect("written");
    let options = || {
        Options::default()
            .variable("GAVEKORT_BOOTSTRAP_CLIENT_SECRET", "")
            .variable("GAVEKORT_BOOTSTRAP_CLIENT_SECRET_FILE", &file.to_string_lossy())
    };
    options().start().api();
    let both = options().variable("GAVEKORT_BOOTSTRAP_CLIENT_SECRET", CLIENT_SECRET).refused().expect_code(2);
    assert!(both.stderr.contains("given twice"), "{both:?}");
    fs::write(&file, "of 31 characters, one too short").expect("written");
    let refused = options().refused().expect_code(2);
    assert!(refused.stderr.contains("at least 32 characters"), "{refused:?}");
    let refused = Options::default().variable("GAVEKORT_BOOTSTRAP_CLIENT_ID", "").refused().expect_code(2);
    assert!(refused.stderr.contains("belong together"), "{refused:?}");
}

#[test]
fn a_second_server_on_the_same_directory_is_refused() {
    let server = Server::start();
    let second = Options::default().data(server.data()).refused().expect_code(4);
    assert!(second.stderr.contains("in use by another gavekort process"), "{second:?}");
    server.api().card_with("a", 100);
    assert!(server.data().join("gavekort.sock").exists(), "the socket is still the first one's");
}

#[test]
fn an_address_in_use_is_refused_by_name() {
    let server = Server::start();
    let address = server.url.trim_start_matches("http://");
    let refused = Options::default().listen(address).refused().expect_code(1);
    assert!(refused.stderr.contains(address), "{refused:?}");
}

#[test]
fn a_missing_master_key_is_refused_and_not_made_anew() {
    let server = Server::start();
    let (data, again) = (server.data().to_owned(), server.stop());
    let (key, aside) = (data.join("master.key"), data.join("aside"));
    fs::rename(&key, &aside).expect("moved");
    let refused = again.refused().expect_code(1);
    assert!(refused.stderr.contains("is missing"), "{refused:?}");
    assert!(!key.exists());
}

#[test]
fn a_wrong_master_key_is_refused_and_the_right_one_is_taken_from_anywhere() {
    let folder = TempDir::new().expect("a folder");
    let server = Options::default().data(folder.path()).start();
    server.stop();
    let right = fs::read_to_string(folder.path().join("master.key")).expect("a key");
    let options = || Options::default().data(folder.path());
    let wrong = options().variable("GAVEKORT_MASTER_KEY", &"A".repeat(43).replace("AAA", "BAA")).refused();
    assert_eq!(wrong.code, Some(2), "43 characters are no key: {wrong:?}");
    let wrong = options().variable("GAVEKORT_MASTER_KEY", &format!("{}=", "A".repeat(43))).refused();
    let wrong = wrong.expect_code(1);
    assert!(wrong.stderr.contains("not the master key that the database was made with"), "{wrong:?}");

    let elsewhere = folder.path().join("elsewhere");
    fs::rename(folder.path().join("master.key"), &elsewhere).expect("moved");
    options().variable("GAVEKORT_MASTER_KEY", right.trim()).start().api();
    options().variable("GAVEKORT_MASTER_KEY_FILE", &elsewhere.to_string_lossy()).start().api();
}

#[test]
fn a_master_key_that_others_can_read_is_refused() {
    let server = Server::start();
    let (key, again) = (server.data().join("master.key"), server.stop());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changed");
    let refused = again.refused().expect_code(1);
    assert!(refused.stderr.contains("chmod 600"), "{refused:?}");
}

#[test]
fn a_production_account_is_not_served_in_the_clear_beyond_this_machine() {
    let production =
        || Options::default().variable("GAVEKORT_BOOTSTRAP_ACCOUNT", "P12345678").listen("0.0.0.0:0");
    let folder = TempDir::new().expect("a folder");
    let refused = production().data(folder.path()).refused().expect_code(2);
    assert!(refused.stderr.contains("without HTTPS"), "{refused:?}");
    let listed = run(gavekort(["account", "list", "--json", "--data"]).arg(folder.path())).expect_code(0);
    assert_eq!(listed.json().as_array().map(Vec::len), Some(0), "not even made");
    production().data(folder.path()).arguments(["--behind-proxy"]).start().stop();
    let refused = production().data(folder.path()).refused().expect_code(2);
    assert!(refused.stderr.contains("without HTTPS"), "once it is there, it is not served: {refused:?}");
    production().arguments(["--behind-proxy"]).start().stop();
    let test = Options::default().listen("0.0.0.0:0").start();
    assert!(test.log().contains("for test accounts only"), "{}", test.log());
}

#[test]
fn a_first_start_without_room_leaves_nothing_half_written() {
    let folder = TempDir::new().expect("a folder");
    let whole = Options::default().data(folder.path()).command();
    // No file of this shell's may grow at all; what would is refused as a full disk does.
    let mut cramped = Command::new("sh");
    cramped.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]).arg(whole.get_program());
    cramped.args(whole.get_args()).env_clear();
    cramped.envs(whole.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let refused = run(&mut cramped).expect_code(1);
    assert!(refused.stderr.contains("cannot write") && refused.stderr.contains("master.key"), "{refused:?}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "{refused:?}");
    Options::default().data(folder.path()).start().stop();
}

#[test]
fn a_killed_server_s_socket_and_lock_are_in_nobody_s_way() {
    let server = Server::start();
    let socket = server.data().join("gavekort.sock");
    let again = server.kill();
    assert!(fs::metadata(&socket).expect("left behind").file_type().is_socket());
    let server = again.start();
    run(&mut server.operator_command(["account", "list"])).expect_code(0);
}

#[test]
fn the_ready_file_says_where_the_server_is() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("ready.json");
    let server = Options::default().arguments(["--ready-file", &file.to_string_lossy()]).start();
    let ready: Value = until("the ready file", || serde_json::from_slice(&fs::read(&file).ok()?).ok());
    assert_eq!(ready["url"], server.url.as_str());
    assert_eq!(ready["pid"], server.pid());
    let metrics = format!("http://{}/metrics", ready["admin_listen"].as_str().expect("an address"));
    server.api().card_with("a", 100);
    let (status, page) = get(&metrics);
    assert_eq!(status, 200);
    assert!(page.contains("gavekort_cards_issued_total 1"), "{page}");
    assert!(!page.contains(ACCOUNT), "no metric names an account");
    assert_eq!(get(&format!("{}/readyz", server.url)).0, 200);
    assert_eq!(get(&format!("{}/metrics", server.url)).0, 404, "metrics are not for everybody");
}

#[test]
fn a_json_log_is_json_and_tells_that_the_server_is_ready() {
    let server = Options::default().arguments(["--log-format", "json"]).start();
    server.api().card_with("a", 100);
    let log = server.log();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
    assert!(!log.contains(CLIENT_SECRET));
}

#[test]
fn settings_come_by_flag_then_variable_then_file() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("settings.toml");
    fs::write(&file, "log_level = 'debug'\nmax_connections = 3\ndata = 'of-the-file'\n").expect("written");
    let mut check = gavekort(["config", "check", "--json", "--log-level", "error", "--config"]);
    check.arg(&file).env("GAVEKORT_LOG_LEVEL", "trace").env("GAVEKORT_MAX_CONNECTIONS", "5");
    check.env("GAVEKORT_BOOTSTRAP_ACCOUNT", ACCOUNT).env("GAVEKORT_BOOTSTRAP_CLIENT_ID", CLIENT_ID);
    check.env("GAVEKORT_BOOTSTRAP_CLIENT_SECRET", CLIENT_SECRET).env("GAVEKORT_LISTN", "x");
    let checked = run(&mut check).expect_code(0);
    let settings = checked.json();
    let setting = |name: &str| {
        let all = settings["settings"].as_array().expect("a list");
        let found = all.iter().find(|setting| setting["name"] == name).expect("a setting");
        (found["values"].clone(), found["source"].clone())
    };
    assert_eq!(setting("log_level"), (json!(["error"]), json!("flag")));
    assert_eq!(setting("max_connections"), (json!(["5"]), json!("GAVEKORT_MAX_CONNECTIONS")));
    assert_eq!(setting("data"), (json!(["of-the-file"]), json!(file.to_string_lossy())));
    assert_eq!(setting("listen"), (json!(["127.0.0.1:8080"]), json!("default")));
    assert_eq!(setting("bootstrap_client_secret").0, json!(["(secret)"]));
    assert!(!checked.stdout.contains(CLIENT_SECRET));
    assert!(checked.stderr.contains("GAVEKORT_LISTN"), "a misspelt variable is told of: {checked:?}");
}

#[test]
fn a_wrong_setting_is_refused_with_its_source() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("settings.toml");
    fs::write(&file, "listn = '127.0.0.1:0'\n").expect("written");
    let unknown =
        Options::default().arguments(["--config", &file.to_string_lossy()]).refused().expect_code(2);
    assert!(unknown.stderr.contains("there is no setting `listn`"), "{unknown:?}");
    let wrong =
        Options::default().variable("GAVEKORT_ADMIN_LISTEN", "x").variable("GAVEKORT_LOG_FORMAT", "xml");
    let wrong = wrong.refused().expect_code(2);
    assert!(wrong.stderr.contains("GAVEKORT_LOG_FORMAT"), "{wrong:?}");
}

/// Whatever the server began to work on is answered before it ends: what was taken from the card is just what
/// was answered.
#[test]
fn sigterm_under_load_answers_everything_that_was_accepted() {
    let server = Server::start();
    let api = server.api();
    api.card_with("a", 1_000_000);
    let (answered, stopping) = (AtomicU64::new(0), AtomicBool::new(false));
    let again = thread::scope(|threads| {
        for worker in 0..16 {
            let (api, answered, stopping) = (server.api(), &answered, &stopping);
            threads.spawn(move || {
                for call in 0.. {
                    match api.drawdown("a", &format!("{worker}-{call}"), 1) {
                        Ok(answer) => {
                            answer.ok();
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(_) if stopping.load(Ordering::Relaxed) => break,
                        Err(lost) => panic!("lost before the server was asked to stop: {lost}"),
                    }
                }
            });
        }
        until("some load", || (answered.load(Ordering::Relaxed) > 200).then_some(()));
        stopping.store(true, Ordering::Relaxed);
        server.stop()
    });
    let taken = again.start().api().get("wallets/cards/a").ok()["amount_drawdown"].as_u64();
    assert_eq!(taken, Some(answered.into_inner()));
}

#[test]
fn sigint_is_an_orderly_stop_too() {
    let mut server = Server::start();
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert!(!server.data().join("gavekort.sock").exists());
}

#[test]
fn https_is_served_with_a_certificate_that_clients_can_check() {
    let folder = TempDir::new().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).expect("written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let [cert, key] = [cert, key].map(|path| path.to_string_lossy().into_owned());
    let production =
        || Options::default().variable("GAVEKORT_BOOTSTRAP_ACCOUNT", "P12345678").listen("0.0.0.0:0");
    let server = production().arguments(["--tls-cert", &cert, "--tls-key", &key]).start();
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let url = server.url.replace("0.0.0.0", "localhost");
    let list = |trusted: &str| {
        let mut command = server.client_command(["cards", "list"]);
        run(command
            .env("GAVEKORT_URL", &url)
            .env("GAVEKORT_ACCOUNT", "P12345678")
            .env("SSL_CERT_FILE", trusted))
    };
    list(&cert).expect_code(0);
    let elsewhere = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.path().join("other.pem"), elsewhere.cert.pem()).expect("written");
    list(&folder.path().join("other.pem").to_string_lossy()).expect_code(6);

    let half = production().arguments(["--tls-cert", &cert]).refused().expect_code(2);
    assert!(half.stderr.contains("belong together"), "{half:?}");
    let swapped = production().arguments(["--tls-cert", &key, "--tls-key", &cert]).refused().expect_code(1);
    assert!(swapped.stderr.contains("no certificate in PEM"), "{swapped:?}");
}
