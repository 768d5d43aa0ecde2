//! Clients, their secrets and grants, and how what they may do ends.

use domain::{
    Actor, Audience, ChangeClient, Client, ClientUuid, Decision, Description, Grant, GrantId, NewGrant,
    Outcome, PreviousSecret, Refusal, RotateSecret,
};

use super::fixture::*;

async fn has_client(f: &Fixture, id: &str, held: &str) -> Client {
    match f.done(ChangeClient::Create(f.new_client(id, held))).await {
        Outcome::Client(client) => *client,
        other => panic!("not a client: {other:?}"),
    }
}

fn rotate(client: ClientUuid, grace_seconds: u32) -> ChangeClient {
    ChangeClient::RotateSecret(RotateSecret { client, secret: secret_mac("new"), grace_seconds })
}

/// What becomes of a small drawdown by a client at a generation.
async fn draws(f: &Fixture, client: ClientUuid, generation: u32, reference: &str) -> Decision {
    let actor = Actor::Client { uuid: client, generation };
    f.submit(f.order_of(actor, f.draw(by_id("card"), reference, 1))).await
}

pub async fn a_client_reads_back_as_it_was_made(f: Fixture) {
    let mut client = f.new_client("till", "write:wallets:/transactions read:wallets");
    client.description = Some(Description::try_from("the till by the door").expect("a description"));
    let made = f.done(ChangeClient::Create(client.clone())).await;
    let expected = Client { created_by: Some(f.client), ..client };
    assert_eq!(made, Outcome::Client(Box::new(expected.clone())));
    assert_eq!(f.client(expected.uuid).await, expected);
}

pub async fn clients_are_listed_oldest_first(f: Fixture) {
    f.clock.move_ms(1);
    let second = has_client(&f, "second", "read:wallets").await;
    f.clock.move_ms(1);
    let third = has_client(&f, "third", "read:wallets").await;
    let listed: Vec<_> =
        f.store.clients(f.aid).await.expect("clients").iter().map(|client| client.uuid).collect();
    assert_eq!(listed, [f.client, second.uuid, third.uuid]);
}

pub async fn a_client_may_have_several_grants_in_their_order(f: Fixture) {
    let client = has_client(&f, "till", "read:wallets").await;
    let audience = Audience::try_from("https://other.example/v1/accounts/T00000001").expect("an audience");
    let grant = Grant { id: GrantId(f.uuid()), audience: audience.clone(), scopes: scopes("write:wallets") };
    let new = NewGrant {
        id: grant.id,
        client: client.uuid,
        audience: audience.clone(),
        scopes: grant.scopes.clone(),
    };
    let done = f.done(ChangeClient::CreateGrant(new)).await;
    assert!(matches!(done, Outcome::Grant(made, _) if *made == grant));
    assert_eq!(f.client(client.uuid).await.grants, [client.grants[0].clone(), grant]);
}

pub async fn a_changed_grant_keeps_its_place(f: Fixture) {
    let client = has_client(&f, "till", "read:wallets").await;
    let grant = client.grants[0].id;
    f.done(ChangeClient::ChangeGrant { grant, scopes: scopes("write:wallets") }).await;
    let after = f.client(client.uuid).await;
    assert_eq!((after.grants.len(), after.scopes()), (1, scopes("write:wallets")));
    assert_eq!(after.grants[0].id, grant);
}

pub async fn a_deleted_grant_is_gone(f: Fixture) {
    let client = has_client(&f, "till", "read:wallets").await;
    f.done(ChangeClient::DeleteGrant(client.grants[0].id)).await;
    assert_eq!(f.client(client.uuid).await.grants, []);
    assert_eq!(f.refused(ChangeClient::DeleteGrant(client.grants[0].id)).await, Refusal::GrantNotFound);
}

pub async fn a_rename_keeps_what_it_does_not_name(f: Fixture) {
    let mut new = f.new_client("till", "read:wallets");
    new.description = Some(Description::try_from("kept").expect("a description"));
    let uuid = new.uuid;
    f.done(ChangeClient::Create(new)).await;
    f.clock.move_ms(1);
    f.done(ChangeClient::Rename { client: uuid, name: Some(name("other")), description: None }).await;
    let after = f.client(uuid).await;
    assert_eq!((after.name, after.updated_at, after.generation), (name("other"), f.now(), 0));
    assert!(after.description.is_some());
}

pub async fn a_rotated_client_moves_no_money(f: Fixture) {
    f.has_card("card", 100).await;
    let till = has_client(&f, "till", "write:wallets").await.uuid;
    draws(&f, till, 0, "before").await.expect("drawn");
    f.done(rotate(till, 0)).await;
    assert_eq!(draws(&f, till, 0, "after").await, Err(Refusal::ClientGone));
    draws(&f, till, 1, "new").await.expect("drawn");
}

pub async fn a_rotated_client_keeps_its_new_secret_and_no_old_one(f: Fixture) {
    let till = has_client(&f, "till", "write:wallets").await.uuid;
    f.done(rotate(till, 0)).await;
    let after = f.client(till).await;
    assert_eq!((after.secret, after.generation, after.previous), (secret_mac("new"), 1, None));
}

pub async fn within_the_grace_both_generations_move_money(f: Fixture) {
    f.has_card("card", 100).await;
    let till = has_client(&f, "till", "write:wallets").await.uuid;
    f.done(rotate(till, 60)).await;
    let previous = PreviousSecret { secret: secret_mac("till"), generation: 0, ends_at: f.in_seconds(60) };
    assert_eq!(f.client(till).await.previous, Some(previous));
    f.clock.move_ms(59_999);
    draws(&f, till, 0, "old").await.expect("drawn");
    draws(&f, till, 1, "new").await.expect("drawn");
    f.clock.move_ms(1);
    assert_eq!(draws(&f, till, 0, "too late").await, Err(Refusal::ClientGone));
}

pub async fn a_client_whose_grants_changed_moves_no_money(f: Fixture) {
    f.has_card("card", 100).await;
    let till = has_client(&f, "till", "write:wallets").await;
    let grant = till.grants[0].id;
    f.done(ChangeClient::ChangeGrant { grant, scopes: scopes("read:wallets") }).await;
    assert_eq!(draws(&f, till.uuid, 0, "after").await, Err(Refusal::ClientGone));
}

pub async fn a_deleted_client_moves_no_money_and_stays_listed(f: Fixture) {
    f.has_card("card", 100).await;
    let till = has_client(&f, "till", "write:wallets").await.uuid;
    f.done(ChangeClient::Delete(till)).await;
    for generation in 0..3 {
        assert_eq!(draws(&f, till, generation, "after").await, Err(Refusal::ClientGone));
    }
    assert_eq!(f.client(till).await.deleted_at, Some(f.now()));
    assert_eq!(f.refused(ChangeClient::Delete(till)).await, Refusal::ClientNotFound);
}

pub async fn a_client_that_never_was_moves_no_money(f: Fixture) {
    f.has_card("card", 100).await;
    assert_eq!(draws(&f, f.uuid().into(), 0, "sale").await, Err(Refusal::ClientGone));
}

pub async fn an_operator_needs_no_client(f: Fixture) {
    let order = f.order_of(Actor::Operator, f.create("card", 100));
    let made = card(f.submit(order).await.expect("a card"));
    assert_eq!(made.created_by, None);
    assert_eq!(f.read("card").await.card, made);
}

pub async fn the_last_admin_cannot_be_deleted(f: Fixture) {
    assert_eq!(f.refused(ChangeClient::Delete(f.client)).await, Refusal::LastAdmin);
    let other = has_client(&f, "other", "admin:accounts").await.uuid;
    f.done(ChangeClient::Delete(other)).await;
    assert_eq!(f.refused(ChangeClient::Delete(f.client)).await, Refusal::LastAdmin);
}

pub async fn the_last_admin_cannot_lose_its_grant(f: Fixture) {
    let grant = f.client(f.client).await.grants[0].id;
    assert_eq!(f.refused(ChangeClient::DeleteGrant(grant)).await, Refusal::LastAdmin);
    let less = ChangeClient::ChangeGrant { grant, scopes: scopes("admin:wallets") };
    assert_eq!(f.refused(less).await, Refusal::LastAdmin);
}

pub async fn one_of_two_admins_can_be_deleted(f: Fixture) {
    let other = has_client(&f, "other", "admin:accounts").await.uuid;
    f.done(ChangeClient::Delete(other)).await;
    assert!(f.client(other).await.deleted_at.is_some());
}

pub async fn nobody_hands_out_scopes_that_it_does_not_hold(f: Fixture) {
    let narrow = has_client(&f, "narrow", "write:accounts").await.uuid;
    let actor = Actor::Client { uuid: narrow, generation: 0 };
    let create = ChangeClient::Create(f.new_client("wide", "admin:wallets"));
    assert_eq!(f.submit(f.order_of(actor, create)).await, Err(Refusal::ScopesNotHeld));
    let delete = ChangeClient::Delete(f.client);
    assert_eq!(f.submit(f.order_of(actor, delete)).await, Err(Refusal::ScopesNotHeld));
    let same = ChangeClient::Create(f.new_client("same", "write:accounts"));
    assert!(f.submit(f.order_of(actor, same)).await.is_ok());
}

pub async fn a_client_that_is_not_there_is_not_changed(f: Fixture) {
    let nobody = ClientUuid(f.uuid());
    assert_eq!(f.refused(rotate(nobody, 0)).await, Refusal::ClientNotFound);
    assert_eq!(f.refused(ChangeClient::Delete(nobody)).await, Refusal::ClientNotFound);
    let grant = ChangeClient::ChangeGrant { grant: GrantId(f.uuid()), scopes: scopes("read:wallets") };
    assert_eq!(f.refused(grant).await, Refusal::GrantNotFound);
}

pub async fn a_client_has_at_most_32_grants(f: Fixture) {
    let client = has_client(&f, "till", "read:wallets").await;
    let audience = client.grants[0].audience.clone();
    let grant = || {
        let (id, scopes, audience) = (GrantId(f.uuid()), scopes("read:wallets"), audience.clone());
        ChangeClient::CreateGrant(NewGrant { id, client: client.uuid, audience, scopes })
    };
    for _ in 1..32 {
        f.done(grant()).await;
    }
    assert_eq!(f.refused(grant()).await, Refusal::TooManyGrants { max: 32 });
    assert_eq!(f.client(client.uuid).await.grants.len(), 32);
}

pub async fn an_account_has_at_most_a_thousand_clients(f: Fixture) {
    let create =
        |number: u32| f.order(ChangeClient::Create(f.new_client(&format!("{number}"), "read:wallets")));
    let decisions = f.submit_all((1..1_000).map(create).collect()).await;
    assert!(decisions.iter().all(Result::is_ok));
    assert_eq!(f.submit(create(1_000)).await, Err(Refusal::TooManyClients { max: 1_000 }));
    let some = f.store.clients(f.aid).await.expect("clients").remove(1).uuid;
    f.done(ChangeClient::Delete(some)).await;
    assert!(f.submit(create(1_001)).await.is_ok());
}
