//! Who may manage clients and grants, and how what they may do ends.

use domain::{
    Action, Actor, Audience, ChangeClient, Client, ClientUuid, Command, Description, Grant, GrantId, Name,
    NewGrant, Outcome, PreviousSecret, Refusal, RotateSecret, ScopeSet, SecretMac, Subject, Timestamp,
};
use uuid::Uuid;

use super::words::*;

const NEW: u128 = 30;

fn uuid(number: u128) -> ClientUuid {
    ClientUuid(Uuid::from_u128(number))
}

fn scopes(text: &str) -> ScopeSet {
    ScopeSet::try_from(text).expect("known scopes")
}

fn grant(number: u128, held: &str) -> Grant {
    let audience = Audience::try_from("https://a.example/v1/accounts/T12345678").expect("an audience");
    Grant { id: GrantId(Uuid::from_u128(number)), audience, scopes: scopes(held) }
}

fn new_grant(client: u128, number: u128, held: &str) -> ChangeClient {
    let Grant { id, audience, scopes } = grant(number, held);
    ChangeClient::CreateGrant(NewGrant { id, client: uuid(client), audience, scopes })
}

fn change_grant(number: u128, held: &str) -> ChangeClient {
    ChangeClient::ChangeGrant { grant: GrantId(Uuid::from_u128(number)), scopes: scopes(held) }
}

fn delete_grant(number: u128) -> ChangeClient {
    ChangeClient::DeleteGrant(GrantId(Uuid::from_u128(number)))
}

/// A client whose one grant has the client's own number.
fn new_client(bank: &Bank, number: u128, held: &str) -> Client {
    let like = bank.store.clients[&uuid(TILL)].clone();
    Client { uuid: uuid(number), grants: vec![grant(number, held)], ..like }
}

fn rotate(client: u128, grace_seconds: u32) -> ChangeClient {
    let secret = SecretMac { key_version: 1, mac: [9; 32] };
    ChangeClient::RotateSecret(RotateSecret { client: uuid(client), secret, grace_seconds })
}

fn done(bank: &mut Bank, change: ChangeClient) -> Client {
    match bank.done(Command::Client(Box::new(change))) {
        Outcome::Client(client) | Outcome::Grant(_, client) => *client,
        other => panic!("no client: {other:?}"),
    }
}

fn refused(bank: &mut Bank, change: ChangeClient) -> Refusal {
    let before = bank.store.clients.clone();
    let refusal = bank.ask(Command::Client(Box::new(change))).expect_err("a refusal");
    assert_eq!(bank.store.clients, before, "a refused change leaves the clients as they were");
    refusal
}

fn with_client(held: &str) -> Bank {
    let mut bank = Bank::default();
    let client = new_client(&bank, NEW, held);
    done(&mut bank, ChangeClient::Create(client));
    bank
}

/// Whether money still moves for the new client at a generation.
fn moves(bank: &mut Bank, generation: u32) -> bool {
    let reference = bank.new_id().to_string();
    let sale = drawdown(bank.draw(by_id("a"), &reference, 1));
    let actor = Actor::Client { uuid: uuid(NEW), generation };
    let order = domain::Order { actor, ..bank.order(sale) };
    let answer = bank.store.carry_out(vec![order], at(bank.now_ms)).pop().expect("an answer");
    match answer {
        Ok(_) => true,
        Err(Refusal::ClientGone) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_client_gets_its_dates_and_maker_from_the_ledger() {
    let mut bank = Bank::default();
    bank.now_ms += 5;
    let said = new_client(&bank, NEW, "read:wallets");
    let made = done(&mut bank, ChangeClient::Create(said.clone()));
    let now = at(START_MS + 5);
    assert_eq!(made, Client { created_at: now, updated_at: now, created_by: Some(uuid(TILL)), ..said });
    assert_eq!(bank.store.clients[&uuid(NEW)], made);
}

#[test]
fn each_change_is_audited_with_what_it_is_about() {
    let mut bank = with_client("read:wallets");
    let client = Subject::Client(uuid(NEW));
    let grant = |number| Subject::Grant(GrantId(Uuid::from_u128(number)));
    let rename = ChangeClient::Rename { client: uuid(NEW), name: None, description: None };
    let changes = [
        (rename, Action::ChangeClient, client),
        (rotate(NEW, 0), Action::RotateSecret, client),
        (new_grant(NEW, 31, "read:hooks"), Action::CreateGrant, grant(31)),
        (change_grant(31, "read:accounts"), Action::ChangeGrant, grant(31)),
        (delete_grant(31), Action::DeleteGrant, grant(31)),
        (ChangeClient::Delete(uuid(NEW)), Action::DeleteClient, client),
    ];
    for (change, action, subject) in changes {
        done(&mut bank, change);
        let line = bank.store.audit.last().expect("a line");
        assert_eq!((line.action, line.subject), (action, subject));
        let told = bank.store.outbox.last().expect("a record");
        assert_eq!((told.action, told.subjects.as_slice()), (action, [subject].as_slice()));
    }
}

#[test]
fn a_rename_keeps_what_it_does_not_say_and_ends_nothing() {
    let mut bank = with_client("read:wallets");
    bank.now_ms += 1;
    let description = Description::try_from("by the door").ok();
    let describe = ChangeClient::Rename { client: uuid(NEW), name: None, description: description.clone() };
    let before = bank.store.clients[&uuid(NEW)].clone();
    let described = done(&mut bank, describe);
    let updated_at = at(START_MS + 1);
    assert_eq!(described, Client { description: description.clone(), updated_at, ..before });
    let name = Name::try_from("other").expect("a name");
    let rename = ChangeClient::Rename { client: uuid(NEW), name: Some(name.clone()), description: None };
    let renamed = done(&mut bank, rename);
    assert_eq!(renamed, Client { name, ..described });
}

#[test]
fn a_rotation_ends_the_old_secret_and_its_tokens_at_once() {
    let mut bank = with_client("write:wallets");
    bank.make("a", 100);
    assert!(moves(&mut bank, 0));
    bank.now_ms += 1;
    let rotated = done(&mut bank, rotate(NEW, 0));
    assert_eq!((rotated.secret.mac, rotated.generation, rotated.previous), ([9; 32], 1, None));
    assert_eq!(rotated.updated_at, at(START_MS + 1));
    assert_eq!([0, 1, 2].map(|generation| moves(&mut bank, generation)), [false, true, false]);
}

#[test]
fn within_the_grace_both_secrets_count_to_the_millisecond() {
    let mut bank = with_client("write:wallets");
    bank.make("a", 100);
    let secret = bank.store.clients[&uuid(NEW)].secret;
    let rotated = done(&mut bank, rotate(NEW, 1));
    let ends_at = at(START_MS + 1_000);
    assert_eq!(rotated.previous, Some(PreviousSecret { secret, generation: 0, ends_at }));
    for (late_ms, both) in [(-1, true), (0, false), (1, false)] {
        bank.now_ms = START_MS + 1_000 + late_ms;
        assert_eq!([0, 1, 2].map(|generation| moves(&mut bank, generation)), [both, true, false]);
    }
}

#[test]
fn a_changed_grant_ends_a_grace_too() {
    let mut bank = with_client("write:wallets");
    bank.make("a", 100);
    done(&mut bank, rotate(NEW, 60));
    let changed = done(&mut bank, change_grant(NEW, "admin:wallets"));
    assert_eq!((changed.generation, changed.previous, changed.scopes()), (2, None, scopes("admin:wallets")));
    assert_eq!([0, 1, 2].map(|generation| moves(&mut bank, generation)), [false, false, true]);
}

#[test]
fn a_deleted_client_moves_no_money_and_is_not_changed_again() {
    let mut bank = with_client("write:wallets");
    bank.make("a", 100);
    bank.now_ms += 1;
    let deleted = done(&mut bank, ChangeClient::Delete(uuid(NEW)));
    assert_eq!(deleted.deleted_at, Some(at(START_MS + 1)));
    assert_eq!([0, 1].map(|generation| moves(&mut bank, generation)), [false, false]);
    for change in [ChangeClient::Delete(uuid(NEW)), rotate(NEW, 0), new_grant(NEW, 31, "read:wallets")] {
        assert_eq!(refused(&mut bank, change), Refusal::ClientNotFound);
    }
    for change in [change_grant(NEW, "read:wallets"), delete_grant(NEW), delete_grant(99)] {
        assert_eq!(refused(&mut bank, change), Refusal::GrantNotFound);
    }
}

#[test]
fn grants_are_given_changed_in_their_place_and_taken() {
    let mut bank = with_client("read:wallets");
    let given = done(&mut bank, new_grant(NEW, 31, "read:hooks"));
    assert_eq!(given.grants, [grant(NEW, "read:wallets"), grant(31, "read:hooks")]);
    let changed = done(&mut bank, change_grant(NEW, "write:wallets"));
    assert_eq!(changed.grants, [grant(NEW, "write:wallets"), grant(31, "read:hooks")]);
    let left = done(&mut bank, delete_grant(NEW));
    assert_eq!(left.grants, [grant(31, "read:hooks")]);
    assert_eq!(left.generation, 3, "each ends the tokens that were made before");
    assert_eq!(bank.store.clients[&uuid(NEW)], left);
}

#[test]
fn nobody_manages_or_grants_what_it_does_not_hold() {
    let mut bank = with_client("admin:accounts read:wallets");
    bank.client = NEW;
    let stronger = new_client(&bank, 40, "write:wallets");
    let changes = [
        ChangeClient::Create(stronger),
        ChangeClient::Rename { client: uuid(SHOP), name: None, description: None },
        ChangeClient::Delete(uuid(SHOP)),
        rotate(SHOP, 0),
        new_grant(NEW, 31, "write:wallets"),
        new_grant(SHOP, 31, "read:wallets"),
        change_grant(NEW, "admin:accounts write:wallets"),
        change_grant(SHOP, "read:wallets"),
        delete_grant(SHOP),
    ];
    for change in changes {
        assert_eq!(refused(&mut bank, change.clone()), Refusal::ScopesNotHeld, "{change:?}");
    }
    let weaker = new_client(&bank, 40, "write:accounts read:wallets");
    assert_eq!(done(&mut bank, ChangeClient::Create(weaker)).created_by, Some(uuid(NEW)));
}

#[test]
fn an_operator_manages_everybody() {
    let mut bank = with_client("read:wallets");
    let change = Command::Client(Box::new(rotate(SHOP, 0)));
    let order = domain::Order { actor: Actor::Operator, ..bank.order(change) };
    let answer = bank.store.carry_out(vec![order], at(START_MS)).pop().expect("an answer");
    assert!(answer.is_ok());
    assert_eq!(bank.store.clients[&uuid(SHOP)].generation, 1);
}

#[test]
fn the_last_administrator_stays() {
    let mut bank = with_client("read:wallets");
    done(&mut bank, ChangeClient::Delete(uuid(SHOP)));
    let ends = [ChangeClient::Delete(uuid(TILL)), delete_grant(TILL), change_grant(TILL, "read:accounts")];
    for end in ends {
        assert_eq!(refused(&mut bank, end.clone()), Refusal::LastAdmin, "{end:?}");
    }
    done(&mut bank, ChangeClient::Delete(uuid(NEW)));
    done(&mut bank, change_grant(TILL, "admin:accounts read:wallets"));
}

#[test]
fn one_of_two_administrators_may_go() {
    for end in [ChangeClient::Delete(uuid(SHOP)), delete_grant(SHOP), change_grant(SHOP, "read:accounts")] {
        done(&mut Bank::default(), end);
    }
}

#[test]
fn an_account_has_a_thousand_clients_at_most_beside_deleted_ones() {
    let mut bank = with_client("read:wallets");
    for number in 100..1_097 {
        let client = new_client(&bank, number, "read:wallets");
        bank.store.clients.insert(client.uuid, client);
    }
    let one_more = |bank: &Bank| ChangeClient::Create(new_client(bank, 41, "read:wallets"));
    let beyond = one_more(&bank);
    assert_eq!(bank.store.clients.len(), 1_000);
    assert_eq!(refused(&mut bank, beyond), Refusal::TooManyClients { max: 1_000 });
    done(&mut bank, ChangeClient::Delete(uuid(NEW)));
    let within = one_more(&bank);
    done(&mut bank, within);
}

#[test]
fn a_client_has_32_grants_at_most() {
    let mut bank = with_client("read:wallets");
    for number in 100..131 {
        done(&mut bank, new_grant(NEW, number, "read:wallets"));
    }
    assert_eq!(refused(&mut bank, new_grant(NEW, 131, "read:wallets")), Refusal::TooManyGrants { max: 32 });
    done(&mut bank, delete_grant(100));
    done(&mut bank, new_grant(NEW, 131, "read:wallets"));
}

#[test]
fn a_generation_never_wraps() {
    let mut bank = with_client("read:wallets");
    bank.store.clients.get_mut(&uuid(NEW)).expect("the client").generation = u32::MAX;
    assert_eq!(refused(&mut bank, rotate(NEW, 0)), Refusal::ClientGone);
    assert_eq!(bank.store.clients[&uuid(NEW)].updated_at, Timestamp::try_from(START_MS).expect("an instant"));
}
