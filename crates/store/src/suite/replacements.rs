//! Cards that take another's place.

use domain::{Card, Outcome, Reason, Refusal, Status};

use super::fixture::*;

/// The card whose place was taken, the one that took it, and whether it was made for that.
async fn replaced(f: &Fixture, id: &str, reference: &str, new: &str) -> (Card, Card, bool) {
    match f.done(f.replace(id, reference, new)).await {
        Outcome::CardReplaced { old, new, is_new, .. } => (*old, *new, is_new),
        other => panic!("not replaced: {other:?}"),
    }
}

pub async fn a_replacement_moves_the_money_to_a_new_card(f: Fixture) {
    let mut create = f.create("old", 100);
    create.card.customer_id = Some(customer("a"));
    f.done(create).await;
    f.drawn(f.draw(by_id("old"), "sale", 30)).await;
    let (old, new, is_new) = replaced(&f, "old", "lost", "new").await;
    assert_eq!((old.replaced_by, old.balance()), (Some(new.uuid), amount(0)));
    assert_eq!((new.amount, new.balance(), is_new), (amount(70), amount(70), true));
    assert_eq!(new.customer_id, Some(customer("a")));
    assert_eq!([f.read("old").await.card, f.read("new").await.card], [old, new]);
    f.drawn(f.draw(by_id("new"), "sale", 70)).await;
}

pub async fn a_replacement_takes_the_inactive_card_in_the_hand(f: Fixture) {
    let mut create = f.create("old", 100);
    create.card.customer_id = Some(customer("a"));
    create.card.kind = domain::CardType::CreditNote;
    f.done(create).await;
    f.done(f.batch(&["hand"])).await;
    let (_, new, is_new) = replaced(&f, "old", "lost", "hand").await;
    assert_eq!((new.status(f.now()), is_new), (Status::Unused, false));
    assert_eq!(f.read("hand").await.card, new);
    assert_eq!(f.cards_of("a").await, ["old", "hand"]);
    f.drawn(f.draw(by_token("token of hand"), "sale", 100)).await;
}

pub async fn a_replaced_card_moves_no_money_and_stays_blocked(f: Fixture) {
    f.has_card("old", 100).await;
    replaced(&f, "old", "lost", "new").await;
    assert_eq!(f.refused(f.draw(by_id("old"), "sale", 1)).await, Refusal::CardBlocked);
    assert_eq!(f.refused(f.fund(by_id("old"), "top-up", 1)).await, Refusal::CardReplaced);
    assert_eq!(f.refused(f.adjust("old", "gift", 1)).await, Refusal::CardReplaced);
    assert_eq!(f.refused(f.unblock("old")).await, Refusal::CardReplaced);
    assert_eq!(f.refused(f.replace("old", "again", "newer")).await, Refusal::CardReplaced);
}

pub async fn a_replacement_sent_again_answers_the_first(f: Fixture) {
    f.has_card("old", 100).await;
    let (_, first, _) = replaced(&f, "old", "lost", "new").await;
    let (_, again, is_new) = replaced(&f, "old", "lost", "new").await;
    assert_eq!((again, is_new), (first, false));
    assert_eq!(f.refused(f.replace("old", "lost", "another")).await, Refusal::RefIdReused);
}

pub async fn a_card_with_money_takes_no_other_cards_place(f: Fixture) {
    f.has_card("old", 100).await;
    f.has_card("other", 100).await;
    let refused = f.refused(f.replace("old", "lost", "other")).await;
    assert!(matches!(refused, Refusal::CardNotInactive { .. }), "{refused:?}");
    assert_eq!(f.read("old").await.card.replaced_by, None);
}

pub async fn a_refund_goes_to_the_last_card_in_line(f: Fixture) {
    f.has_card("first", 100).await;
    let sale = f.drawn(f.draw(by_id("first"), "sale", 60)).await.id;
    replaced(&f, "first", "lost", "second").await;
    let (_, third, _) = replaced(&f, "second", "lost", "third").await;
    let one = f.drawn(f.refund(by_id("first"), "one", sale, 10)).await;
    let two = f.drawn(f.refund(by_id("third"), "two", sale, 20)).await;
    assert_eq!((one.card, two.card, two.balance), (third.uuid, third.uuid, amount(70)));
    let undo = f.refused(f.reverse(sale, "undo")).await;
    assert_eq!(undo, Refusal::RefundExceedsDrawdown { left: amount(30) });
}

/// A client that never heard the first answer sends it again when the card has long been replaced.
pub async fn a_refund_sent_again_after_a_replacement_is_given_once(f: Fixture) {
    f.has_card("first", 100).await;
    let sale = f.drawn(f.draw(by_id("first"), "sale", 60)).await.id;
    let before = f.drawn(f.refund(by_id("first"), "before", sale, 10)).await;
    replaced(&f, "first", "lost", "second").await;
    let between = f.drawn(f.refund(by_id("first"), "between", sale, 10)).await;
    replaced(&f, "second", "lost", "third").await;
    assert_eq!(f.drawn(f.refund(by_id("first"), "before", sale, 10)).await, before);
    assert_eq!(f.drawn(f.refund(by_id("first"), "between", sale, 10)).await, between);
    assert_eq!(f.read("third").await.card.balance(), amount(60));
}

pub async fn a_drawdown_of_a_replaced_card_is_reversed_to_the_new_one(f: Fixture) {
    f.has_card("old", 100).await;
    let sale = f.drawn(f.draw(by_id("old"), "sale", 60)).await.id;
    let (_, new, _) = replaced(&f, "old", "lost", "new").await;
    let reversal = f.drawn(f.reverse(sale, "undo")).await;
    assert_eq!((reversal.card, reversal.reason), (new.uuid, Reason::Reversal));
    assert_eq!(f.drawn(f.reverse(sale, "undo")).await, reversal);
}

pub async fn a_card_is_made_replaced_and_drawn_from_in_one_group(f: Fixture) {
    let orders = vec![
        f.order(f.create("first", 100)),
        f.order(f.replace("first", "lost", "second")),
        f.order(f.replace("second", "lost", "third")),
        f.order(f.draw(by_id("third"), "sale", 100)),
    ];
    let decisions = f.submit_all(orders).await;
    assert!(decisions.iter().all(Result::is_ok), "{decisions:?}");
    let (first, second) = (f.read("first").await.card, f.read("second").await.card);
    assert_eq!(first.replaced_by, Some(second.uuid));
    assert_eq!(f.read("third").await.card.status(f.now()), Status::Used);
}
