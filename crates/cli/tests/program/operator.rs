//! Accounts, clients and keys: the same beside a running server and without one.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{ACCOUNT, Api, CLIENT_ID, Ended, Options, Server, gavekort, run};

fn operator(data: &Path, arguments: &[&str]) -> Ended {
    run(gavekort(arguments).arg("--data").arg(data))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// The life of a client; what needs a server to be seen is seen by `token`.
fn life_of_a_client(data: &Path, token: &dyn Fn(&str, &str) -> u16) {
    let create = ["client", "create", "--account", ACCOUNT, "--name", "Till", "--json", "--scope"];
    let made = operator(data, &[&create[..], &["write:wallets:/activate,read:wallets"]].concat());
    let made = made.expect_code(0).json();
    let (id, client_id, secret) = (text(&made, "id"), text(&made, "client_id"), text(&made, "client_secret"));
    assert_eq!(token(&client_id, &secret), 200);

    let listed = operator(data, &["client", "list", "--json"]).expect_code(0);
    assert!(!listed.stdout.contains("client_secret"), "{listed:?}");
    let listed = listed.json();
    let till = listed.as_array().expect("a list").iter().find(|client| client["id"] == id.as_str());
    let till = till.expect("the client");
    assert_eq!((text(till, "account"), text(till, "name")), (ACCOUNT.to_owned(), "Till".to_owned()));
    let mut scopes: Vec<&str> =
        till["scope"].as_array().expect("scopes").iter().filter_map(Value::as_str).collect();
    scopes.sort_unstable();
    assert_eq!(scopes, ["read:wallets", "write:wallets:/activate"]);

    let rotated = operator(data, &["client", "rotate", &client_id, "--grace-seconds", "600", "--json"]);
    let newer = text(&rotated.expect_code(0).json(), "client_secret");
    assert_eq!(
        (token(&client_id, &newer), token(&client_id, &secret)),
        (200, 200),
        "within the grace both count"
    );
    let rotated = operator(data, &["client", "rotate", &id, "--json"]).expect_code(0).json();
    let newest = text(&rotated, "client_secret");
    assert_eq!((token(&client_id, &newest), token(&client_id, &newer)), (200, 401));

    operator(data, &["client", "delete", &id]).expect_code(0);
    assert_eq!(token(&client_id, &newest), 401);
    operator(data, &["client", "delete", &id]).expect_code(3);
    let table = operator(data, &["client", "list", "--account", ACCOUNT]).expect_code(0);
    assert!(table.stdout.contains(CLIENT_ID) && !table.stdout.contains("Till"), "{table:?}");
}

#[test]
fn a_client_s_life_beside_a_running_server() {
    let server = Server::start();
    let token =
        |client_id: &str, secret: &str| Api::ask_for_token(&server.url, ACCOUNT, client_id, secret).status;
    life_of_a_client(server.data(), &token);
}

#[test]
fn a_client_s_life_without_a_server() {
    let folder = TempDir::new().expect("a folder");
    Options::default().data(folder.path()).start().stop();
    let token = |client_id: &str, secret: &str| {
        let server = Options::default().data(folder.path()).start();
        let status = Api::ask_for_token(&server.url, ACCOUNT, client_id, secret).status;
        server.stop();
        status
    };
    life_of_a_client(folder.path(), &token);
}

#[test]
fn a_deleted_client_s_tokens_end_at_once() {
    let server = Server::start();
    let create =
        ["client", "create", "--account", ACCOUNT, "--name", "Till", "--scope", "read:wallets", "--json"];
    let made = operator(server.data(), &create).expect_code(0).json();
    let till = Api::new(&server.url, ACCOUNT, &text(&made, "client_id"), &text(&made, "client_secret"));
    till.get("wallets/cards").ok();
    assert_eq!(till.post("wallets/cards/batch", &serde_json::json!({})).status, 403);
    operator(server.data(), &["client", "delete", &text(&made, "client_id")]).expect_code(0);
    assert_eq!(till.get("wallets/cards").status, 401);
}

#[test]
fn what_cannot_be_made_is_refused_and_leaves_nothing() {
    let server = Server::start();
    let create = |account: &str, scope: &str| {
        operator(server.data(), &["client", "create", "--account", account, "--name", "x", "--scope", scope])
    };
    let unknown = create(ACCOUNT, "write:everything").expect_code(2);
    assert!(unknown.stderr.contains("write:wallets:/activate"), "the known ones are told: {unknown:?}");
    create("T00000000", "read:wallets").expect_code(3);
    create("nonsense", "read:wallets").expect_code(2);
    operator(server.data(), &["client", "rotate", "nobody"]).expect_code(3);
    operator(server.data(), &["client", "delete", CLIENT_ID]).expect_code(4);
    let clients = operator(server.data(), &["client", "list", "--json"]).json();
    assert_eq!(clients.as_array().map(Vec::len), Some(1));
    let nowhere = server.data().join("nowhere");
    operator(&nowhere, &["client", "list"]).expect_code(3);
    operator(&nowhere, &["account", "list"]).expect_code(3);
    assert!(!nowhere.exists(), "looking makes nothing");
}

#[test]
fn an_account_is_made_beside_a_running_server_and_used_at_once() {
    let server = Server::start();
    let made =
        operator(server.data(), &["account", "create", "--name", "Shop", "--currency", "SEK", "--json"]);
    let made = made.expect_code(0).json();
    let api =
        Api::new(&server.url, &text(&made, "aid"), &text(&made, "client_id"), &text(&made, "client_secret"));
    assert_eq!(api.batch(&["a"])[0]["currency"], "SEK");
    assert_eq!(server.api().get("wallets/cards/a").status, 404, "accounts share nothing");
    operator(server.data(), &["account", "create", "--aid", ACCOUNT]).expect_code(4);
    operator(server.data(), &["account", "create", "--aid", "X1"]).expect_code(2);
    let listed = operator(server.data(), &["account", "list"]).expect_code(0);
    assert!(listed.stdout.contains(ACCOUNT) && listed.stdout.contains("Shop"), "{listed:?}");
}

#[test]
fn an_account_can_be_made_before_the_first_server() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let made = operator(&data, &["account", "create", "--production", "--json"]).expect_code(0).json();
    assert!(text(&made, "aid").starts_with('P'));
    let server = Options::default().data(&data).without_bootstrap().start();
    assert!(!data.join("first-client.json").exists(), "there is an account already");
    Api::new(&server.url, &text(&made, "aid"), &text(&made, "client_id"), &text(&made, "client_secret"));
}

/// Whether a production account was made, and the only line that says why not.
fn production_account(data: &Path, variables: &[(&str, &str)]) -> bool {
    let create = ["account", "create", "--production", "--data"];
    let ended = run(gavekort(create).arg(data).envs(variables.iter().copied()));
    if ended.code == Some(0) {
        return true;
    }
    let ended = ended.expect_code(2);
    assert!(ended.stderr.contains("without HTTPS") && ended.stderr.lines().count() == 1, "{ended:?}");
    let listed = operator(data, &["account", "list", "--json"]).json();
    let accounts = listed.as_array().expect("a list").iter();
    assert!(accounts.map(|account| text(account, "aid")).all(|aid| aid.starts_with('T')), "{listed}");
    false
}

#[test]
fn no_production_account_is_made_beside_a_server_in_the_open() {
    let server = Options::default().listen("0.0.0.0:0").start();
    assert!(!production_account(server.data(), &[]));
    let as_if = [("GAVEKORT_LISTEN", "127.0.0.1:0")];
    assert!(!production_account(server.data(), &as_if), "the server's own settings count");
    operator(server.data(), &["account", "create"]).expect_code(0);
    let behind_proxy = Options::default().listen("0.0.0.0:0").arguments(["--behind-proxy"]).start();
    assert!(production_account(behind_proxy.data(), &[]));
}

#[test]
fn no_production_account_is_made_for_a_server_in_the_open() {
    let folder = TempDir::new().expect("a folder");
    let open = ("GAVEKORT_LISTEN", "0.0.0.0:8080");
    assert!(!production_account(folder.path(), &[open]));
    assert!(production_account(folder.path(), &[open, ("GAVEKORT_BEHIND_PROXY", "true")]));
}

#[test]
fn the_signing_key_rotates_and_tokens_stay_valid() {
    let server = Server::start();
    let (before, others) = (server.api(), |answer: Value| answer.as_array().map(Vec::len));
    assert_eq!(others(before.get("auth/keys").ok()), Some(1));
    let keys = operator(server.data(), &["key", "rotate", "test", "--json"]).expect_code(0).json();
    assert_eq!(
        keys["keys"].as_array().map(Vec::len),
        Some(3),
        "two for test accounts, one for production: {keys}"
    );
    assert_eq!(others(before.get("auth/keys").ok()), Some(2));
    let after = server.api();
    assert_ne!(before.token.split('.').next(), after.token.split('.').next(), "another key signs");
    after.get("wallets/cards").ok();
    let (data, again) = (server.data().to_owned(), server.stop());
    operator(&data, &["key", "rotate"]).expect_code(0);
    let server = again.start();
    before.get("wallets/cards").ok();
    server.api();
}

#[test]
fn the_operator_s_socket_is_its_owner_s_alone() {
    let server = Server::start();
    assert_eq!(crate::common::files::mode(&server.data().join("gavekort.sock")), 0o600);
    assert_eq!(server.api().get("../../accounts").status, 404, "the public listener knows no such thing");
    assert!(fs::metadata(server.data().join("gavekort.sock.new")).is_err());
}
