//! Money that is added, given back, and taken back.

use domain::{Drawdown, Reach, Reason, Refusal, TransactionType};

use super::fixture::*;

pub async fn a_fund_adds_money_once(f: Fixture) {
    f.has_card("card", 100).await;
    let first = f.drawn(f.fund(by_id("card"), "top-up", 50)).await;
    assert_eq!((first.kind, first.reason), (TransactionType::Fund, Reason::Fund));
    assert_eq!(f.drawn(f.fund(by_id("card"), "top-up", 50)).await, first);
    assert_eq!(f.refused(f.fund(by_id("card"), "top-up", 51)).await, Refusal::RefIdReused);
    let card = f.read("card").await.card;
    assert_eq!((card.amount, card.funds, card.seq), (amount(100), amount(150), 2));
}

pub async fn a_refund_gives_back_and_names_its_drawdown(f: Fixture) {
    f.has_card("card", 100).await;
    let sale = f.drawn(f.draw(by_id("card"), "sale", 80)).await;
    let refund = f.drawn(f.refund(by_id("card"), "back", sale.id, 30)).await;
    assert_eq!((refund.parent, refund.reason, refund.balance), (Some(sale.id), Reason::Refund, amount(50)));
    let card = f.read("card").await.card;
    assert_eq!((card.funds, card.drawdown), (amount(130), amount(80)));
}

pub async fn refunds_together_stay_within_their_drawdown(f: Fixture) {
    f.has_card("card", 500).await;
    let sale = f.drawn(f.draw(by_id("card"), "sale", 80)).await.id;
    f.drawn(f.refund(by_id("card"), "one", sale, 30)).await;
    f.drawn(f.refund(by_id("card"), "two", sale, 40)).await;
    let beyond = f.refused(f.refund(by_id("card"), "three", sale, 11)).await;
    assert_eq!(beyond, Refusal::RefundExceedsDrawdown { left: amount(10) });
    f.drawn(f.refund(by_id("card"), "three", sale, 10)).await;
    let beyond = f.refused(f.refund(by_id("card"), "four", sale, 1)).await;
    assert_eq!(beyond, Refusal::RefundExceedsDrawdown { left: amount(0) });
}

pub async fn refunds_of_one_group_share_their_drawdown(f: Fixture) {
    f.has_card("card", 500).await;
    let sale = f.drawn(f.draw(by_id("card"), "sale", 100)).await.id;
    let refund = |number: i64| f.order(f.refund(by_id("card"), &format!("{number}"), sale, 30));
    let decisions = f.submit_all((0..20).map(refund).collect()).await;
    assert_eq!(decisions.iter().filter(|decision| decision.is_ok()).count(), 3);
    let beyond = Err(Refusal::RefundExceedsDrawdown { left: amount(10) });
    assert_eq!(decisions.iter().filter(|decision| **decision == beyond).count(), 17);
    assert_eq!(f.read("card").await.card.balance(), amount(490));
}

/// The drawdown and its refund meet for the first time in the group.
pub async fn a_drawdown_is_refunded_by_the_next_order_of_its_group(f: Fixture) {
    f.has_card("card", 100).await;
    let sale = f.draw(by_id("card"), "sale", 60);
    let refund = f.refund(by_id("card"), "back", sale.id, 60);
    let again = f.refund(by_id("card"), "again", sale.id, 1);
    let decisions = f.submit_all(vec![f.order(sale), f.order(refund), f.order(again)]).await;
    assert!(decisions[0].is_ok() && decisions[1].is_ok(), "{decisions:?}");
    assert_eq!(decisions[2], Err(Refusal::RefundExceedsDrawdown { left: amount(0) }));
}

pub async fn only_a_drawdown_of_the_card_is_refunded(f: Fixture) {
    f.has_card("card", 100).await;
    f.has_card("other", 100).await;
    let fund = f.drawn(f.fund(by_id("card"), "top-up", 50)).await.id;
    let sale = f.drawn(f.draw(by_id("other"), "sale", 60)).await.id;
    let none = domain::TransactionId(f.uuid());
    assert_eq!(f.refused(f.refund(by_id("card"), "back", fund, 1)).await, Refusal::NotADrawdown);
    for other in [sale, none] {
        let refused = f.refused(f.refund(by_id("card"), "back", other, 1)).await;
        assert_eq!(refused, Refusal::TransactionNotFound);
    }
}

pub async fn a_capture_is_refunded_as_a_drawdown_is(f: Fixture) {
    f.has_card("card", 100).await;
    let lock = f.drawn(f.lock(by_id("card"), "order", 60)).await.id;
    let capture = f.drawn(f.capture(lock, "sent", Some(40))).await.id;
    f.drawn(f.refund(by_id("card"), "back", capture, 40)).await;
    let beyond = f.refused(f.refund(by_id("card"), "more", capture, 1)).await;
    assert_eq!(beyond, Refusal::RefundExceedsDrawdown { left: amount(0) });
    assert_eq!(f.refused(f.refund(by_id("card"), "lock", lock, 1)).await, Refusal::NotADrawdown);
}

pub async fn a_reversal_gives_the_whole_drawdown_back_once(f: Fixture) {
    f.has_card("card", 100).await;
    let sale = f.drawn(f.draw(by_id("card"), "sale", 60)).await.id;
    let reversal = f.drawn(f.reverse(sale, "undo")).await;
    assert_eq!((reversal.parent, reversal.reason), (Some(sale), Reason::Reversal));
    assert_eq!(reversal.balance, amount(100));
    assert_eq!(f.drawn(f.reverse(sale, "undo")).await, reversal);
    let beyond = f.refused(f.reverse(sale, "once more")).await;
    assert_eq!(beyond, Refusal::RefundExceedsDrawdown { left: amount(0) });
}

pub async fn a_reversal_of_what_was_refunded_is_refused(f: Fixture) {
    f.has_card("card", 100).await;
    let sale = f.drawn(f.draw(by_id("card"), "sale", 60)).await.id;
    f.drawn(f.refund(by_id("card"), "back", sale, 1)).await;
    let beyond = f.refused(f.reverse(sale, "undo")).await;
    assert_eq!(beyond, Refusal::RefundExceedsDrawdown { left: amount(59) });
}

pub async fn a_drawdown_is_reversed_soon_or_never(f: Fixture) {
    f.has_card("card", 100).await;
    let one = f.drawn(f.draw(by_id("card"), "one", 10)).await.id;
    let two = f.drawn(f.draw(by_id("card"), "two", 10)).await.id;
    f.clock.move_ms(15 * 60_000 - 1);
    f.drawn(f.reverse(one, "in time")).await;
    f.clock.move_ms(1);
    assert_eq!(f.refused(f.reverse(two, "late")).await, Refusal::ReversalTooLate { until: f.now() });
}

pub async fn who_made_a_drawdown_reverses_it(f: Fixture) {
    f.has_card("card", 100).await;
    let sale = f.drawn(f.draw(by_id("card"), "sale", 60)).await.id;
    let till = f.has_client("till", "read:wallets").await;
    let refused = f.submit(f.order_of(till, f.reverse(sale, "undo"))).await;
    assert_eq!(refused, Err(Refusal::NotOwnTransaction));
    let lock = f.drawn(f.lock(by_id("card"), "order", 10)).await.id;
    let capture = domain::Capture { reach: Reach::Own, ..f.capture(lock, "sent", None) };
    let void = domain::Void { reach: Reach::Own, ..f.void(lock, "gone") };
    assert_eq!(f.submit(f.order_of(till, capture)).await, Err(Refusal::NotOwnTransaction));
    assert_eq!(f.submit(f.order_of(till, void)).await, Err(Refusal::NotOwnTransaction));
}

pub async fn a_partial_drawdown_takes_what_there_is(f: Fixture) {
    f.has_card("card", 100).await;
    let partial = |reference| Drawdown { allow_partial: true, ..f.draw(by_id("card"), reference, 130) };
    let first = f.drawn(partial("sale")).await;
    assert_eq!((first.amount, first.balance), (amount(100), amount(0)));
    // Told by what was asked for, not by what was taken.
    assert_eq!(f.drawn(partial("sale")).await, first);
    assert_eq!(f.refused(f.draw(by_id("card"), "sale", 100)).await, Refusal::RefIdReused);
    assert_eq!(f.refused(partial("more")).await, Refusal::InsufficientFunds { available: amount(0) });
}
