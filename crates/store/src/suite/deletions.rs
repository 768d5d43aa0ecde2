//! Cards that leave: deleted cards, and PINs that were replaced.

use domain::{DeleteCard, Refusal, RotatePin, Status};

use super::fixture::*;

pub async fn a_card_with_money_is_not_deleted(f: Fixture) {
    f.has_card("card", 100).await;
    f.drawn(f.draw(by_id("card"), "sale", 99)).await;
    assert_eq!(f.refused(f.delete("card")).await, Refusal::CardHasMoney { available: amount(1) });
    assert_eq!(f.read("card").await.card.deleted_at, None);
}

pub async fn an_empty_card_is_deleted_without_a_row(f: Fixture) {
    f.has_card("card", 100).await;
    f.drawn(f.draw(by_id("card"), "sale", 100)).await;
    let deleted = card(f.done(f.delete("card")).await);
    assert_eq!((deleted.deleted_at, deleted.seq), (Some(f.now()), 2));
    assert_eq!(deleted.status(f.now()), Status::Deleted);
}

pub async fn a_forfeit_draws_the_money_in_the_same_commit(f: Fixture) {
    f.has_card("card", 100).await;
    let forfeit = Some(f.uuid().into());
    let deleted = card(f.done(DeleteCard { forfeit, ..f.delete("card") }).await);
    assert_eq!((deleted.drawdown, deleted.seq, deleted.deleted_at), (amount(100), 2, Some(f.now())));
    assert_eq!(f.read("card").await.card, deleted);
}

pub async fn an_inactive_card_can_be_deleted(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    f.done(f.delete("card")).await;
    assert_eq!(f.refused(f.activate("card", 100)).await, Refusal::CardNotFound);
}

pub async fn a_deleted_card_is_read_only_when_asked_for(f: Fixture) {
    f.has_card("card", 0).await;
    f.done(f.delete("card")).await;
    assert_eq!(f.store.card(f.aid, &card_id("card"), false, f.now()).await, Ok(None));
    assert_eq!(f.read("card").await.card.deleted_at, Some(f.now()));
}

pub async fn a_deleted_card_pays_for_nothing(f: Fixture) {
    f.has_card_with_token("card", 0, f.new_token("value")).await;
    f.done(f.delete("card")).await;
    assert_eq!(f.refused(f.draw(by_id("card"), "sale", 1)).await, Refusal::CardNotFound);
    assert_eq!(f.refused(f.draw(by_token("value"), "sale", 1)).await, Refusal::CardNotFound);
}

pub async fn a_card_is_deleted_once(f: Fixture) {
    f.has_card("card", 0).await;
    f.done(f.delete("card")).await;
    assert_eq!(f.refused(f.delete("card")).await, Refusal::CardNotFound);
}

pub async fn a_rotated_pin_takes_the_place_of_the_old_one(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let before = f.read("card").await.card;
    let rotate = RotatePin { card_id: card_id("card"), pin: pin("another") };
    let after = card(f.done(domain::Command::RotatePin(rotate)).await);
    assert_ne!(after.pin, before.pin);
    assert_eq!(after.pin.as_ref().map(|kept| kept.mac), Some(pin("another").mac));
    assert_eq!(f.read("card").await.card, after);
}

pub async fn a_card_without_pin_gets_one(f: Fixture) {
    f.has_card("card", 1).await;
    let rotate = RotatePin { card_id: card_id("card"), pin: pin("first") };
    f.done(domain::Command::RotatePin(rotate)).await;
    assert!(f.read("card").await.card.pin.is_some());
}

pub async fn a_deleted_card_gets_no_pin(f: Fixture) {
    f.has_card("card", 0).await;
    f.done(f.delete("card")).await;
    let rotate = RotatePin { card_id: card_id("card"), pin: pin("first") };
    assert_eq!(f.refused(rotate).await, Refusal::CardNotFound);
}
