//! `gavekort move` and `gavekort migrate`.

use std::fs;

use cluster::Cluster;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{Options, gavekort, run};

#[test]
fn a_store_moves_to_postgresql_and_back_and_is_served_again() {
    let (folder, back) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let server = Options::default().data(folder.path()).start();
    server.api().card_with("moved", 100);
    let from = format!("sqlite:{}", folder.path().display());
    let cluster = Cluster::start().expect("a server");
    let url = cluster.create_database().expect("a database");
    let moving = |from: &str, to: &str| run(&mut gavekort(["move", "--json", "--from", from, "--to", to]));
    // Whoever serves it may write to it.
    moving(&from, &url).expect_code(4);
    server.stop();

    run(&mut gavekort(["migrate", "--database-url", &url])).expect_code(0);
    let refused = run(&mut gavekort(["migrate", "--distribute", "--database-url", &url])).expect_code(1);
    assert!(refused.stderr.contains("no Citus"), "{refused:?}");
    let planned =
        run(&mut gavekort(["migrate", "--distribute", "--dry-run", "--database-url", &url])).expect_code(0);
    assert!(planned.stdout.contains("create_distributed_table('card', 'aid'"), "{planned:?}");

    let moved = moving(&from, &url).expect_code(0).json();
    assert_eq!((&moved["rows"]["card"], &moved["rows"]["card_transaction"]), (&json!(1), &json!(1)));
    assert_eq!(moved["totals"][0]["by_cards"]["balance"], json!("100"));
    let verified = run(&mut gavekort(["verify", "--json", "--database-url", &url])).expect_code(0).json();
    assert_eq!((&verified["cards"], &verified["wrong"]), (&json!(1), &json!(0)));

    moving(&url, &format!("sqlite:{}", back.path().display())).expect_code(0);
    for file in ["master.key", "first-client.json"] {
        if folder.path().join(file).exists() {
            fs::copy(folder.path().join(file), back.path().join(file)).expect("copied");
        }
    }
    let server = Options::default().data(back.path()).start();
    server.api().drawdown("moved", "sale", 40).expect("an answer").ok();
}
