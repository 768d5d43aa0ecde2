//! Access tokens, and how they end.

mod common;

use common::{World, network, parts};
use domain::{Aid, Audience, Mode, Refusal, ScopeSet};
use service::{
    Credentials, Error, MasterKey, OpenFault, Permit, Secret, Service, SystemRandom, WriteAccounts,
};

#[tokio::test]
async fn a_client_gets_a_token_that_holds_what_was_granted() {
    let world = World::new().await;
    let (client, secret) = world.client_with("write:wallets:/cards").await;
    let token = world.token_of(client.client_id.as_str(), &secret).expect("a token");
    let caller = world.caller(&token).await.expect("the client");
    assert_eq!(caller.scopes, ScopeSet::try_from("write:wallets:/cards").expect("known"));
}

#[tokio::test]
async fn wrong_secrets_and_unknown_clients_get_the_same_answer_and_then_have_to_wait() {
    let world = World::new().await;
    let wrong = Secret::new("wrong".to_owned());
    assert!(matches!(world.token_of("nobody", &wrong), Err(Error::BadCredentials)));
    let name = world.first.client_id.as_str();
    for _ in 0..10 {
        assert!(matches!(world.token_of(name, &wrong), Err(Error::BadCredentials)));
    }
    let Err(Error::TooManyTries { retry_after_seconds }) = world.token_of(name, &world.first.secret) else {
        panic!("the eleventh try is let through")
    };
    let elsewhere = std::net::IpAddr::from([127, 0, 0, 2]).into();
    let credentials = Credentials { client_id: name.to_owned(), client_secret: world.first.secret.clone() };
    let from_elsewhere = world.service.check_credentials(world.aid, &credentials, elsewhere);
    assert!(from_elsewhere.is_ok(), "another network pays for these failures");
    world.clock.advance_seconds(retry_after_seconds.into());
    assert!(world.token_of(name, &world.first.secret).is_ok());
}

#[tokio::test]
async fn an_audience_without_a_grant_or_on_a_foreign_host_is_refused() {
    let world = World::new().await;
    let credentials = || Credentials {
        client_id: world.first.client_id.to_string(),
        client_secret: world.first.secret.clone(),
    };
    let ask = |audience: &str| {
        let audience = Audience::try_from(audience).expect("an audience");
        let who = world.service.check_credentials(world.aid, &credentials(), network()).expect("known");
        world.service.issue_access_token(&who, &audience).map(|_| ())
    };
    assert!(ask("https://T12345678@api.dintero.com/v1/accounts/T12345678").is_ok());
    assert!(matches!(ask("https://cards.example/v1/accounts/T87654321"), Err(Error::NoGrant)));
    assert!(matches!(ask("https://elsewhere.example/v1/accounts/T12345678"), Err(Error::UnknownAudience)));
}

#[tokio::test]
async fn a_token_ends_at_its_time_and_not_before() {
    let world = World::new().await;
    let token = world.first_token();
    world.clock.advance_seconds(14_399);
    assert!(world.caller(&token).await.is_ok());
    world.clock.advance_seconds(1);
    assert!(matches!(world.caller(&token).await, Err(Error::Unauthorized)));
}

#[tokio::test]
async fn deleting_a_client_ends_its_tokens_at_once() {
    let world = World::new().await;
    let (client, secret) = world.client_with("read:wallets").await;
    let token = world.token_of(client.client_id.as_str(), &secret).expect("a token");
    assert!(world.caller(&token).await.is_ok());
    let permit: Permit<WriteAccounts> = world.permit().await;
    world.service.delete_client(&permit, client.uuid).await.expect("deleted");
    assert!(matches!(world.caller(&token).await, Err(Error::Unauthorized)));
    assert!(matches!(world.token_of(client.client_id.as_str(), &secret), Err(Error::BadCredentials)));
}

#[tokio::test]
async fn a_rotated_secret_ends_at_once_or_after_its_grace() {
    let world = World::new().await;
    let (client, old) = world.client_with("read:wallets").await;
    let name = client.client_id.as_str();
    let old_token = world.token_of(name, &old).expect("a token");
    let permit: Permit<WriteAccounts> = world.permit().await;
    let made = world.service.rotate_client_secret(&permit, client.uuid, 60, None).await.expect("rotated");
    assert!(world.caller(&old_token).await.is_ok());
    assert!(world.token_of(name, &old).is_ok());
    assert!(world.token_of(name, &made.secret).is_ok());
    world.clock.advance_seconds(60);
    assert!(matches!(world.caller(&old_token).await, Err(Error::Unauthorized)));
    assert!(matches!(world.token_of(name, &old), Err(Error::BadCredentials)));
    let token = world.token_of(name, &made.secret).expect("a token");
    world.service.rotate_client_secret(&permit, client.uuid, 0, None).await.expect("rotated");
    assert!(matches!(world.caller(&token).await, Err(Error::Unauthorized)));
}

#[tokio::test]
async fn changing_a_grant_ends_the_tokens_made_under_it() {
    let world = World::new().await;
    let (client, secret) = world.client_with("read:wallets").await;
    let token = world.token_of(client.client_id.as_str(), &secret).expect("a token");
    let permit: Permit<WriteAccounts> = world.permit().await;
    let scopes = ScopeSet::try_from("write:wallets").expect("known");
    world.service.create_grant(&permit, client.uuid, world.audience(), scopes).await.expect("granted");
    assert!(matches!(world.caller(&token).await, Err(Error::Unauthorized)));
}

#[tokio::test]
async fn a_client_grants_no_more_than_it_holds() {
    let world = World::new().await;
    let (manager, secret) = world.client_with("write:accounts read:wallets").await;
    let (other, _) = world.client_with("read:wallets").await;
    let token = world.token_of(manager.client_id.as_str(), &secret).expect("a token");
    let permit: Permit<WriteAccounts> = world.caller(&token).await.expect("known").permit().expect("may");
    let grant = async |scopes: &str| {
        let scopes = ScopeSet::try_from(scopes).expect("known");
        world.service.create_grant(&permit, other.uuid, world.audience(), scopes).await.map(|_| ())
    };
    assert!(grant("read:wallets").await.is_ok());
    assert!(matches!(grant("admin:wallets").await, Err(Error::Refused(Refusal::ScopesNotHeld))));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    let permit: Permit<WriteAccounts> = world.permit().await;
    let domain::Actor::Client { uuid, .. } = permit.caller().actor else { panic!("a client") };
    let deleted = world.service.delete_client(&permit, uuid).await;
    assert!(matches!(deleted, Err(Error::Refused(Refusal::LastAdmin))));
}

#[tokio::test]
async fn keys_rotate_while_old_tokens_stay_good_until_they_expire() {
    let world = World::new().await;
    let old = world.first_token();
    world.clock.advance_seconds(100);
    world.service.rotate_signing_key(Mode::Test).await.expect("rotated");
    assert!(world.caller(&old).await.is_ok());
    let new = world.first_token();
    assert_ne!(header_of(&old), header_of(&new), "the new key signs");
    assert_eq!(world.service.public_keys().len(), 3);
    world.clock.advance_seconds(14_300);
    assert!(matches!(world.caller(&old).await, Err(Error::Unauthorized)));
    assert!(world.caller(&new).await.is_ok());
    world.clock.advance_seconds(101);
    assert_eq!(world.service.public_keys().len(), 2, "the old key is gone once nothing needs it");
}

fn header_of(token: &Secret) -> &str {
    token.expose().split('.').next().unwrap_or_default()
}

#[tokio::test]
async fn another_accounts_token_is_known_but_of_no_use() {
    let world = World::new().await;
    let token = world.first_token();
    let other = Aid::try_from("P12345678").expect("an account id");
    let asked = world.service.authenticate(token.expose(), other, world.service.new_request_id()).await;
    assert!(matches!(asked, Err(Error::OtherAccount)));
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let world = World::new().await;
    let other = MasterKey::generate(&SystemRandom);
    let opened = Service::open(parts(&world.store, &world.clock, &other)).await;
    assert!(matches!(opened, Err(OpenFault::WrongMasterKey)));
    assert!(Service::open(parts(&world.store, &world.clock, &world.master_key)).await.is_ok());
}
