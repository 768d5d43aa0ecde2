//! How nodes come to share a database.

use std::fs;

use serde_json::json;

use crate::common::files::mode;
use crate::common::{ACCOUNT, Api, CLIENT_ID, CLIENT_SECRET, Options, gavekort, run};
use crate::support::{MASTER_KEY, Nodes, counted, new_database, node};

#[test]
fn ten_nodes_that_start_at_once_make_one_schema_one_account_and_one_key_of_each_kind() {
    let nodes = Nodes::start(10);
    let count = |query| counted(&nodes.url, query);
    assert_eq!(count("SELECT count(*) FROM account"), 1);
    assert_eq!(count("SELECT count(*) FROM api_client"), 1);
    assert_eq!(count("SELECT count(*) FROM signing_key"), 2);
    assert_eq!(count("SELECT count(*) - max(version) FROM schema"), 0, "each migration once");
    for server in &nodes.servers {
        assert!(!server.data().exists(), "a node keeps nothing on its disk");
        for api in nodes.everywhere(&server.api()) {
            api.get("wallets/cards").ok();
        }
    }
}

#[test]
fn a_node_with_another_master_key_does_not_start() {
    let database = new_database();
    let first = node(&database).start();
    let other = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
    let refused = node(&database).variable("GAVEKORT_MASTER_KEY", other).refused().expect_code(1);
    assert!(refused.stderr.contains("cannot be used with this master key"), "{}", refused.stderr);
    first.api().get("wallets/cards").ok();
}

#[test]
fn a_node_makes_no_master_key_of_its_own() {
    let refused = node(&new_database()).variable("GAVEKORT_MASTER_KEY", "").refused().expect_code(2);
    assert!(refused.stderr.contains("gavekort init"), "{}", refused.stderr);
}

#[test]
fn a_master_key_is_made_once_for_all_nodes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    let init = || run(gavekort(["init", "--json"]).arg(&file));
    assert_eq!(init().expect_code(0).json(), json!({"file": file}));
    assert_eq!(mode(&file), 0o600);
    let made = fs::read(&file).expect("a key");
    init().expect_code(4);
    assert_eq!(fs::read(&file).expect("a key"), made);

    let (database, file) = (new_database(), file.to_string_lossy().into_owned());
    let with_file = |options: Options| {
        options.variable("GAVEKORT_MASTER_KEY", "").variable("GAVEKORT_MASTER_KEY_FILE", &file)
    };
    let servers = [0, 1].map(|_| with_file(node(&database)).start());
    for server in &servers {
        server.api().get("wallets/cards").ok();
    }
}

#[test]
fn a_database_that_is_not_there_is_to_be_tried_again_and_its_url_stays_unsaid() {
    let url = "postgres://me:canary@127.0.0.1:1/cards";
    let refused = node(url).refused().expect_code(75);
    assert!(!refused.stderr.contains("canary"), "{}", refused.stderr);
    let check = |flags: &[&str]| run(gavekort(["config", "check"]).args(flags)).expect_code(0).stdout;
    for told in [check(&["--database-url", url]), check(&["--json", "--database-url", url])] {
        assert!(told.contains("(secret)") && !told.contains("canary"), "{told}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("settings.toml");
    fs::write(&file, format!("database_url = '{url}'\n")).expect("a file");
    let told = check(&["--config", &file.to_string_lossy()]);
    assert!(told.contains("(secret)") && !told.contains("canary"), "{told}");
}

#[test]
fn a_node_that_tells_all_keeps_the_values_of_statements_to_itself() {
    for level in ["trace", "debug,tokio_postgres::query=trace"] {
        let server = node(&new_database()).arguments(["--log-level", level]).start();
        server.api().get("wallets/cards").ok();
        let log = server.log();
        assert!(log.contains("wallets/cards"), "{log}");
        assert!(!log.contains("with parameters"), "{log}");
    }
}

#[test]
fn operators_write_to_the_database_and_nodes_know_it_at_once() {
    let database = new_database();
    let operator = |arguments: &[&str]| {
        let mut command = gavekort(arguments);
        command.env("GAVEKORT_DATABASE_URL", &database).env("GAVEKORT_MASTER_KEY", MASTER_KEY);
        run(&mut command)
    };
    let nothing = operator(&["doctor", "--json"]).expect_code(0).json();
    assert_eq!(nothing["findings"][0]["level"], "warning", "no schema: {nothing}");

    let server = node(&database).without_bootstrap().start();
    assert!(server.log().contains("there is no account yet"), "{}", server.log());
    let made = operator(&["account", "create", "--aid", "T00000001", "--json"]).expect_code(0).json();
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    let (id, secret) = (text("client_id"), text("client_secret"));
    crate::support::within(crate::support::SEEN_WITHIN, "the account is known", || {
        Api::ask_for_token(&server.url, "T00000001", &id, &secret).status == 200
    });
    let listed = operator(&["account", "list", "--json"]).expect_code(0).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));

    let sound = operator(&["doctor", "--json"]).expect_code(0).json();
    let levels = sound["findings"].as_array().expect("findings").iter().map(|finding| &finding["level"]);
    assert!(levels.into_iter().all(|level| level == "ok"), "{sound}");
    for command in ["backup", "restore"] {
        let refused = operator(&[command, "file"]).expect_code(2);
        assert!(refused.stderr.contains("pg_"), "{}", refused.stderr);
    }
    assert!(Api::ask_for_token(&server.url, ACCOUNT, CLIENT_ID, CLIENT_SECRET).status == 401);
}
