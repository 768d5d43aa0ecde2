//! Cards from order to spending, through the use cases.

mod common;

use std::collections::HashSet;

use common::{World, batch, card, drawdown, network};
use domain::{Amount, CardId, Currency, Format, FormatRequest, Refusal, Status};
use service::{
    ActivateCards, ActivateRequest, CreateCardRequest, CreateCards, Error, ForfeitCards, Idempotency, Permit,
    ReadCards, WriteCards, WriteTransactions,
};

fn ids(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("card-{number:04}"))
}

fn card_id(text: &str) -> CardId {
    CardId::try_from(text).expect("a card id")
}

fn amount(minor_units: i64) -> Amount {
    Amount::try_from(minor_units).expect("an amount")
}

fn activate(card: &str, minor_units: i64) -> ActivateRequest {
    ActivateRequest {
        card_id: card_id(card),
        ref_id: None,
        amount: amount(minor_units),
        currency: Currency::NOK,
        name: None,
        customer_id: None,
        originated_by: None,
        metadata: None,
        active_from: None,
        expires_at: None,
        token_expires_in: None,
        token_expires_after_transaction: None,
    }
}

#[tokio::test]
async fn a_thousand_cards_are_ordered_sold_and_spent() {
    let world = World::new().await;
    let made = world
        .service
        .create_batch(&world.permit::<CreateCards>().await, &batch(ids(1_000)), None)
        .await
        .expect("made");
    assert_eq!(made.cards.len(), 1_000);
    let tokens: HashSet<&str> = made.token_values.iter().map(|token| token.expose()).collect();
    assert_eq!(tokens.len(), 1_000);
    assert!(made.pins.iter().all(|pin| pin.expose().len() == 6));
    let token = made.token_values[7].expose();
    let permit: Permit<WriteTransactions> = world.permit().await;
    let too_soon = world.service.create_transaction(&permit, drawdown(token, "r0", 1), network()).await;
    assert!(matches!(too_soon, Err(Error::Refused(Refusal::CardInactive))));

    let details = world
        .service
        .activate(&world.permit::<ActivateCards>().await, activate("card-0007", 500))
        .await
        .expect("sold");
    assert_eq!(details.tokens.len(), 1);
    let (paid, card) =
        world.service.create_transaction(&permit, drawdown(token, "r1", 120), network()).await.expect("paid");
    assert_eq!((paid.balance, paid.available, card), (amount(380), amount(380), card_id("card-0007")));
    let (again, _) = world
        .service
        .create_transaction(&permit, drawdown(token, "r1", 120), network())
        .await
        .expect("again");
    assert_eq!(again, paid, "a repeat answers the first transaction");

    let read = world
        .service
        .card(&world.permit::<ReadCards>().await, &card_id("card-0007"), false)
        .await
        .expect("read");
    assert_eq!(read.card.status(world.service.now()), Status::PartiallyUsed);
    assert_eq!((read.card.funds, read.card.drawdown), (amount(500), amount(120)));
}

#[tokio::test]
async fn a_repeated_batch_shows_the_same_secrets_and_makes_nothing() {
    let world = World::new().await;
    let permit: Permit<CreateCards> = world.permit().await;
    let key = |canonical: &str| Idempotency { key: "order-1".to_owned(), canonical: canonical.into() };
    let first = world.service.create_batch(&permit, &batch(ids(50)), Some(&key("{}"))).await.expect("made");
    world.clock.advance_seconds(86_399);
    let permit: Permit<CreateCards> = world.permit().await;
    let again = world.service.create_batch(&permit, &batch(ids(50)), Some(&key("{}"))).await.expect("again");
    assert_eq!(again.cards, first.cards);
    assert_eq!(again.tokens, first.tokens);
    assert!(again.token_values == first.token_values && again.pins == first.pins);
    let other = world.service.create_batch(&permit, &batch(ids(50)), Some(&key("{\"other\":1}"))).await;
    assert!(matches!(other, Err(Error::Refused(Refusal::IdempotencyKeyReused))));
    world.clock.advance_seconds(1);
    let permit: Permit<CreateCards> = world.permit().await;
    let too_late = world.service.create_batch(&permit, &batch(ids(50)), Some(&key("{}"))).await;
    assert!(matches!(too_late, Err(Error::Refused(Refusal::CardIdTaken { .. }))), "24 hours have passed");
}

#[tokio::test]
async fn twenty_equal_batches_at_once_make_one() {
    let world = World::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (service, permit) = (world.service.clone(), world.permit::<CreateCards>().await);
        tasks.spawn(async move {
            let key = Idempotency { key: "race".to_owned(), canonical: b"same".to_vec() };
            let made = service.create_batch(&permit, &batch(ids(20)), Some(&key)).await.expect("made");
            made.token_values.iter().map(|token| token.expose().to_owned()).collect::<Vec<_>>()
        });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn one_card_is_made_with_what_was_asked_for_and_no_more() {
    let world = World::new().await;
    let permit: Permit<CreateCards> = world.permit().await;
    let format = FormatRequest::default();
    let request = |id: &str, pin| CreateCardRequest {
        card: card(id),
        amount: amount(700),
        currency: Currency::try_from("SEK").expect("a currency"),
        pin,
        token: None,
    };
    let plain = world.service.create_card(&permit, &request("plain", None), None).await.expect("made");
    assert!(plain.pin.is_none() && plain.token.is_none());
    assert_eq!(plain.details.card.status(world.service.now()), Status::Unused);
    let pin = Some(Format::pin(&format).expect("the default"));
    let made = world.service.create_card(&permit, &request("with-pin", pin), None).await.expect("made");
    assert_eq!(made.pin.map(|pin| pin.value.expose().len()), Some(6));
    let read = world
        .service
        .card(&world.permit::<ReadCards>().await, &card_id("with-pin"), false)
        .await
        .expect("read");
    assert_eq!(read.card, made.details.card, "what was answered is what is remembered");
    let taken = world.service.create_card(&permit, &request("plain", None), None).await;
    assert!(matches!(taken, Err(Error::Refused(Refusal::CardIdTaken { places })) if places == [0]));
}

#[tokio::test]
async fn money_on_a_deleted_card_is_given_up_only_with_proof() {
    let world = World::new().await;
    world
        .service
        .create_batch(&world.permit::<CreateCards>().await, &batch(ids(1)), None)
        .await
        .expect("made");
    world
        .service
        .activate(&world.permit::<ActivateCards>().await, activate("card-0000", 300))
        .await
        .expect("sold");
    let (permit, id) = (world.permit::<WriteCards>().await, card_id("card-0000"));
    let kept = world.service.delete_card(&permit, &id, None).await;
    assert!(
        matches!(kept, Err(Error::Refused(Refusal::CardHasMoney { available })) if available == amount(300))
    );
    let proof = world.permit::<ForfeitCards>().await;
    let gone = world.service.delete_card(&permit, &id, Some(&proof)).await.expect("deleted");
    assert!(gone.balance().is_zero());
    let read = world.service.card(&world.permit::<ReadCards>().await, &id, false).await;
    assert!(matches!(read, Err(Error::Refused(Refusal::CardNotFound))));
}

#[tokio::test]
async fn who_guesses_tokens_has_to_wait() {
    let world = World::new().await;
    let permit: Permit<WriteTransactions> = world.permit().await;
    for _ in 0..50 {
        let guess =
            world.service.create_transaction(&permit, drawdown("no such token", "r", 1), network()).await;
        assert!(matches!(guess, Err(Error::Refused(Refusal::CardNotFound))));
    }
    let guess = world.service.create_transaction(&permit, drawdown("no such token", "r", 1), network()).await;
    assert!(matches!(guess, Err(Error::TooManyTries { .. })));
}

#[tokio::test]
async fn a_till_that_lost_its_answer_activates_again_with_the_same_reference() {
    let world = World::new().await;
    world
        .service
        .create_batch(&world.permit::<CreateCards>().await, &batch(ids(1)), None)
        .await
        .expect("made");
    let permit: Permit<ActivateCards> = world.permit().await;
    let request = || ActivateRequest {
        ref_id: Some("receipt-1".try_into().expect("a reference")),
        originated_by: Some("till-3".try_into().expect("an origin")),
        ..activate("card-0000", 100)
    };
    let first = world.service.activate(&permit, request()).await.expect("sold");
    assert_eq!(world.service.activate(&permit, request()).await.expect("the same sale"), first);
    let other = ActivateRequest { amount: amount(101), ..request() };
    let refused = world.service.activate(&permit, other).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::RefIdReused))));
}

#[tokio::test]
async fn a_long_pin_of_every_class_is_drawn_from_every_class() {
    let world = World::new().await;
    world
        .service
        .create_batch(&world.permit::<CreateCards>().await, &batch(ids(1)), None)
        .await
        .expect("made");
    let every = FormatRequest {
        length: Some(36),
        symbols: Some(true),
        numbers: Some(true),
        characters: Some(true),
        ..FormatRequest::default()
    };
    let format = Format::pin(&every).expect("a format");
    let permit: Permit<WriteCards> = world.permit().await;
    let pin = world.service.rotate_pin(&permit, &card_id("card-0000"), &format, None).await.expect("a PIN");
    assert!(!pin.value.expose().contains('-'), "a UUID is for tokens");
    assert_eq!(pin.value.expose().len(), 36);
}
