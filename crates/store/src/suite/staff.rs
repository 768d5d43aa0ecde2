//! What staff does to a card: corrections, blocks, other words.

use domain::{ChangeCard, ExpiryChange, Metadata, Reason, Refusal, Status};

use super::fixture::*;

pub async fn an_adjustment_adds_and_takes_money(f: Fixture) {
    f.has_card("card", 100).await;
    let added = f.drawn(f.adjust("card", "gift", 50)).await;
    assert_eq!((added.reason, added.balance), (Reason::Adjust, amount(150)));
    assert_eq!(added.reason_code, Some(reason_code("correction")));
    assert_eq!(added.note, Some(note("as agreed")));
    let taken = f.drawn(f.adjust("card", "mistake", -150)).await;
    assert_eq!((taken.amount, taken.balance), (amount(150), amount(0)));
    assert_eq!(f.drawn(f.adjust("card", "gift", 50)).await, added);
    assert_eq!(f.refused(f.adjust("card", "gift", -50)).await, Refusal::RefIdReused);
    assert_eq!(f.read("card").await.card.seq, 3);
}

pub async fn an_adjustment_never_takes_more_than_is_available(f: Fixture) {
    f.has_card("card", 100).await;
    f.drawn(f.lock(by_id("card"), "order", 60)).await;
    let beyond = f.refused(f.adjust("card", "mistake", -41)).await;
    assert_eq!(beyond, Refusal::InsufficientFunds { available: amount(40) });
}

pub async fn a_blocked_card_pays_again_when_it_is_unblocked(f: Fixture) {
    f.has_card("card", 100).await;
    let blocked = card(f.done(f.block("card")).await);
    assert_eq!((blocked.status(f.now()), blocked.blocked_at), (Status::Blocked, Some(f.now())));
    assert_eq!(f.refused(f.draw(by_id("card"), "sale", 1)).await, Refusal::CardBlocked);
    f.clock.move_ms(1_000);
    assert_eq!(card(f.done(f.block("card")).await), blocked);
    let free = card(f.done(f.unblock("card")).await);
    assert_eq!(free.blocked_at, None);
    assert_eq!(card(f.done(f.unblock("card")).await), free);
    f.drawn(f.draw(by_id("card"), "sale", 1)).await;
}

pub async fn a_change_keeps_what_it_does_not_name(f: Fixture) {
    let mut create = f.create("card", 100);
    create.card.name = Some(name("before"));
    create.card.customer_id = Some(customer("before"));
    f.done(create).await;
    let metadata = Some(Metadata::from_json_object(r#"{"a":1}"#));
    let change = ChangeCard { customer_id: Some(customer("after")), metadata, ..f.change("card") };
    let changed = card(f.done(change).await);
    assert_eq!(changed.name, Some(name("before")));
    assert_eq!(f.read("card").await.card, changed);
    assert_eq!((f.cards_of("before").await.len(), f.cards_of("after").await.len()), (0, 1));
}

pub async fn the_last_day_moves_to_a_later_one(f: Fixture) {
    let mut create = f.create("card", 100);
    create.card.dates.expires_at = Some(f.in_seconds(60));
    f.done(create).await;
    let to =
        |seconds, expiry| ChangeCard { expires_at: Some(f.in_seconds(seconds)), expiry, ..f.change("card") };
    f.done(to(120, ExpiryChange::Later)).await;
    assert_eq!(f.refused(to(119, ExpiryChange::Later)).await, Refusal::ExpiryNotLater);
    f.done(to(30, ExpiryChange::Any)).await;
    f.clock.move_ms(30_000);
    assert_eq!(f.refused(f.draw(by_id("card"), "sale", 1)).await, Refusal::CardExpired);
}

pub async fn a_forfeit_gives_up_what_is_left(f: Fixture) {
    f.has_card("card", 100).await;
    f.drawn(f.lock_for(by_id("card"), "order", 60, 60)).await;
    let forfeit = || domain::DeleteCard { forfeit: Some(f.uuid().into()), ..f.delete("card") };
    assert_eq!(f.refused(forfeit()).await, Refusal::CardHasLocks { reserved: amount(60) });
    f.clock.move_ms(60_000);
    let deleted = card(f.done(forfeit()).await);
    // The creation, the lock, its end, and what was given up.
    assert_eq!((deleted.drawdown, deleted.reserved, deleted.seq), (amount(100), amount(0), 4));
}
