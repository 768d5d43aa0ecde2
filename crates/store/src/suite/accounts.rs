//! Accounts that never see each other, and what belongs to the server as a whole.

use domain::{Actor, ChangeClient, Client, Mode, Operation, Refusal, Settings, Timestamp};

use super::fixture::*;
use crate::{Error, SigningKey};

/// A second account, with a client of the same ids as the first one's.
async fn another(f: &Fixture) -> domain::Aid {
    let other = aid("P00000002");
    let first = Client { uuid: f.client, ..f.new_client("first", "admin:accounts admin:wallets") };
    f.add_account(other, &first).await;
    other
}

pub async fn accounts_are_listed_oldest_first(f: Fixture) {
    f.clock.move_ms(1);
    let second = aid("P00000002");
    f.add_account(second, &f.new_client("second", "admin:accounts")).await;
    f.clock.move_ms(1);
    f.add_account(aid("P00000001"), &f.new_client("third", "admin:accounts")).await;
    let listed: Vec<String> =
        f.store.accounts().await.expect("accounts").iter().map(|account| account.aid.to_string()).collect();
    assert_eq!(listed, ["T00000001", "P00000002", "P00000001"]);
}

pub async fn an_account_reads_back_as_it_was_made(f: Fixture) {
    let settings = Settings { default_currency: currency("EUR"), ..Settings::default() };
    let account = domain::Account { settings, ..f.account(aid("P00000002")) };
    let made = f.store.create_account(&account, &f.new_client("first", "admin:accounts"), false).await;
    assert_eq!(made, Ok(true));
    assert!(f.store.accounts().await.expect("accounts").contains(&account));
}

pub async fn an_account_is_made_once(f: Fixture) {
    let other = f.new_client("other", "admin:accounts");
    let again = f.store.create_account(&f.account(f.aid), &other, false).await;
    assert_eq!(again, Err(Error::AccountExists));
    assert_eq!(f.store.clients(f.aid).await.expect("clients").len(), 1);
}

pub async fn the_first_account_is_made_only_where_there_is_none(f: Fixture) {
    let other = aid("P00000002");
    let made =
        f.store.create_account(&f.account(other), &f.new_client("other", "admin:accounts"), true).await;
    assert_eq!(made, Ok(false));
    assert_eq!(f.store.clients(other).await, Ok(vec![]));
}

pub async fn accounts_never_see_each_others_cards(f: Fixture) {
    let other = another(&f).await;
    f.has_card_with_token("card", 100, f.new_token("value")).await;
    assert_eq!(f.store.card(other, &card_id("card"), true, f.now()).await, Ok(None));
    assert_eq!(f.store.cards(other, &every_card(f.now())).await.expect("a page").cards, []);
    for selector in [by_id("card"), by_token("value")] {
        let order = f.order(f.draw(selector, "sale", 1));
        assert_eq!(f.try_submit(other, order).await, Ok(Err(Refusal::CardNotFound)));
    }
}

pub async fn accounts_share_no_card_ids_and_no_tokens(f: Fixture) {
    let other = another(&f).await;
    f.has_card_with_token("card", 100, f.new_token("value")).await;
    let mut create = f.create("card", 700);
    create.card.token = Some(f.new_token("value"));
    let made = f.try_submit(other, f.order(create)).await.expect("judged").expect("made");
    assert_eq!(card(made).funds, amount(700));
    assert_eq!(f.read("card").await.card.funds, amount(100));
}

pub async fn accounts_share_no_customers(f: Fixture) {
    let other = another(&f).await;
    let mut create = f.create("card", 100);
    create.card.customer_id = Some(customer("a"));
    f.done(create).await;
    assert_eq!(f.store.customer_card(other, &customer("a"), &card_id("card"), f.now()).await, Ok(None));
}

pub async fn accounts_share_no_clients(f: Fixture) {
    let other = aid("P00000002");
    f.add_account(other, &f.new_client("second", "admin:accounts admin:wallets")).await;
    let order = f.order(f.create("card", 1));
    assert_eq!(f.try_submit(other, order).await, Ok(Err(Refusal::ClientGone)));
    let delete = f.order_of(Actor::Operator, ChangeClient::Delete(f.client));
    assert_eq!(f.try_submit(other, delete).await, Ok(Err(Refusal::ClientNotFound)));
}

pub async fn accounts_share_no_kept_answers(f: Fixture) {
    let other = another(&f).await;
    f.submit(f.keyed(Operation::CreateCard, "key", "one", f.create("a", 1))).await.expect("made");
    assert_eq!(f.store.replay(other, f.replay_key(Operation::CreateCard, "key")).await, Ok(None));
    let elsewhere = f.keyed(Operation::CreateCard, "key", "two", f.create("a", 1));
    assert!(matches!(f.try_submit(other, elsewhere).await, Ok(Ok(_))));
}

fn key(kid: &str, mode: Mode, created_at: Timestamp) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        mode,
        issuer_host: "gavekort.example".to_owned(),
        public_der: vec![1, 2, 3],
        sealed_private: Some(vec![4, 5, 6]),
        key_version: 1,
        created_at,
        verifies_until: None,
    }
}

pub async fn a_signing_key_reads_back_as_it_was_made(f: Fixture) {
    let made = key("one", Mode::Test, f.now());
    assert_eq!(f.store.put_signing_key(&made, f.now(), f.now(), None).await, Ok(true));
    assert_eq!(f.store.signing_keys().await, Ok(vec![made]));
}

pub async fn a_new_signing_key_retires_the_older_ones_of_its_mode(f: Fixture) {
    let (test, production) = (key("one", Mode::Test, f.now()), key("two", Mode::Production, f.now()));
    for key in [&test, &production] {
        f.store.put_signing_key(key, f.now(), f.now(), None).await.expect("kept");
    }
    f.clock.move_ms(1);
    let newer = key("three", Mode::Test, f.now());
    let retire_at = f.in_seconds(60);
    f.store.put_signing_key(&newer, retire_at, f.now(), None).await.expect("kept");
    let retired = SigningKey { sealed_private: None, verifies_until: Some(retire_at), ..test };
    let keys = [retired, production.clone(), newer.clone()];
    assert_eq!(f.store.signing_keys().await, Ok(keys.to_vec()));
    f.clock.move_ms(60_000);
    assert_eq!(f.store.signing_keys().await, Ok(vec![production, newer]));
}

pub async fn a_retired_signing_key_does_not_live_longer_by_another_rotation(f: Fixture) {
    let retire_at = f.in_seconds(60);
    for kid in ["one", "two"] {
        f.store
            .put_signing_key(&key(kid, Mode::Test, f.now()), retire_at, f.now(), None)
            .await
            .expect("kept");
    }
    let later = retire_at.plus_seconds(60);
    f.store.put_signing_key(&key("x", Mode::Test, f.now()), later, f.now(), None).await.expect("kept");
    let until: Vec<_> =
        f.store.signing_keys().await.expect("keys").iter().map(|key| key.verifies_until).collect();
    assert_eq!(until, [Some(retire_at), Some(later), None]);
}

pub async fn the_first_signing_key_is_kept_only_where_its_mode_has_none(f: Fixture) {
    let first = key("one", Mode::Test, f.now());
    assert_eq!(f.store.put_signing_key(&first, f.now(), f.now(), Some(Timestamp::EPOCH)).await, Ok(true));
    let second = key("two", Mode::Test, f.now());
    assert_eq!(f.store.put_signing_key(&second, f.now(), f.now(), Some(Timestamp::EPOCH)).await, Ok(false));
    let other = key("three", Mode::Production, f.now());
    assert_eq!(f.store.put_signing_key(&other, f.now(), f.now(), Some(Timestamp::EPOCH)).await, Ok(true));
    assert_eq!(f.store.signing_keys().await.expect("keys").len(), 2);
}

pub async fn a_signing_key_that_is_young_enough_is_not_replaced(f: Fixture) {
    let first = key("one", Mode::Test, f.now());
    f.store.put_signing_key(&first, f.now(), f.now(), None).await.expect("kept");
    f.clock.move_ms(10);
    let second = key("two", Mode::Test, f.now());
    let put = |since| f.store.put_signing_key(&second, f.in_seconds(60), f.now(), Some(since));
    assert_eq!(put(first.created_at).await, Ok(false));
    assert_eq!(put(f.now()).await, Ok(true), "the first was made before");
    assert_eq!(put(f.now()).await, Ok(false), "another program was faster");
}

pub async fn a_server_value_never_changes_once_it_was_set(f: Fixture) {
    assert_eq!(f.store.server_value("name", b"first").await, Ok(b"first".to_vec()));
    assert_eq!(f.store.server_value("name", b"second").await, Ok(b"first".to_vec()));
    assert_eq!(f.store.server_value("other", b"third").await, Ok(b"third".to_vec()));
}

pub async fn a_store_that_works_says_so(f: Fixture) {
    assert_eq!(f.store.check().await, Ok(()));
}
