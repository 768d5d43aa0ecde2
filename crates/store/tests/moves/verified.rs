//! Whatever is damaged in a PostgreSQL is found, and named.

use store::{Place, PostgresStore, Verified};

use super::{database, folder, full, ledger, relocate, run};

/// Lets go of all that would keep rows from being falsified.
const UNGUARDED: &str = "DO $$ DECLARE it record; BEGIN
    FOR it IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
        WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', it.owner, it.conname); END LOOP;
    FOR it IN SELECT tgrelid::regclass AS owner, tgname FROM pg_trigger WHERE NOT tgisinternal
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', it.tgname, it.owner); END LOOP;
    END $$";

/// A moved ledger, to be copied.
async fn template() -> String {
    let (from, url) = (full().await, database().await);
    relocate(folder(&from), Place::Postgres(url.clone()), |_| {}).await.expect("moved");
    run(&url, UNGUARDED).await;
    url
}

async fn verify(url: &str) -> Verified {
    PostgresStore::verify(url, |_| {}).await.expect("readable")
}

/// Falsifies a copy of a database.
async fn damaged(template: &str, place: usize, sql: &str) -> Verified {
    let (server, name) = template.rsplit_once('/').expect("a database's name");
    let copy = format!("{name}_copy_{place}");
    run(&format!("{server}/postgres"), &format!("CREATE DATABASE {copy} TEMPLATE {name}")).await;
    let url = format!("{server}/{copy}");
    run(&url, sql).await;
    let verified = verify(&url).await;
    run(&format!("{server}/postgres"), &format!("DROP DATABASE {copy} WITH (FORCE)")).await;
    verified
}

/// The same in PostgreSQL's words; none where there is no such fault: ids have one length, and places have gaps.
fn in_postgres(sql: &str) -> Option<String> {
    let has_one = !sql.contains("uuid = x'00'") && !sql.contains("WHERE place = 2");
    let id = "'00000000-0000-0000-0000-000000000000'::uuid";
    let sql = sql.replace("transactions = zeroblob(16)", "transactions = decode(repeat('00', 16), 'hex')");
    has_one.then(|| sql.replace("zeroblob(16)", id).replace("x'00'", "'\\x00'::bytea"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_card_is_named() {
    let template = template().await;
    let sound = verify(&template).await;
    assert_eq!((sound.first, sound.checked.cards, sound.checked.transactions), (None, 7, 11));
    for (place, (sql, what, card)) in ledger::CARDS.into_iter().enumerate() {
        let Some(sql) = in_postgres(&ledger::to_card(sql)) else { continue };
        let verified = damaged(&template, place, &sql).await;
        let Some(first) = verified.first else {
            panic!("not found: {sql}");
        };
        assert_eq!((first.what.as_str(), first.card_id.as_deref()), (what, Some(card)), "{sql}: {first:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_record_is_named() {
    let template = template().await;
    for (place, (sql, what)) in ledger::RECORDS.into_iter().enumerate() {
        let Some(sql) = in_postgres(sql) else { continue };
        let first = damaged(&template, place, &sql).await.first.unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!(first.what, what, "{sql}: {first:?}");
    }
}
