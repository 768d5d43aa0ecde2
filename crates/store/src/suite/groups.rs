//! Orders that come together, and time that does not go on.

use std::collections::HashSet;

use domain::{Actor, CardType, ChangeClient, Operation, Outcome, Refusal};

use super::fixture::*;
use crate::Error;

pub async fn fifty_racing_equal_ref_ids_have_one_effect(f: Fixture) {
    f.has_card("card", 1_000).await;
    let orders = (0..50).map(|_| f.order(f.draw(by_id("card"), "sale", 10))).collect();
    let transactions: HashSet<_> = f
        .submit_all(orders)
        .await
        .into_iter()
        .map(|decision| written(decision.expect("answered")).id)
        .collect();
    assert_eq!(transactions.len(), 1);
    assert_eq!(f.read("card").await.card.drawdown, amount(10));
}

/// More is asked for than there is: what fits is drawn, and nothing beyond it, in whatever groups it comes.
pub async fn racing_drawdowns_never_take_more_than_there_is(f: Fixture) {
    f.has_card("card", 100).await;
    let orders = (0..300).map(|sale| f.order(f.draw(by_id("card"), &format!("{sale}"), 7))).collect();
    let decisions = f.submit_all(orders).await;
    let drawn = decisions.iter().filter(|decision| decision.is_ok()).count();
    assert_eq!(drawn, 14);
    let refused = Err(Refusal::InsufficientFunds { available: amount(2) });
    assert_eq!(decisions.iter().filter(|decision| **decision == refused).count(), 286);
    let card = f.read("card").await.card;
    assert_eq!((card.available(), card.seq), (amount(2), 15));
}

pub async fn second_drawdown_of_a_group_sees_the_first(f: Fixture) {
    f.has_card("card", 100).await;
    let orders = vec![
        f.order(f.draw(by_id("card"), "one", 60)),
        f.order(f.draw(by_id("card"), "two", 60)),
        f.order(f.draw(by_id("card"), "three", 40)),
    ];
    let decisions = f.submit_all(orders).await;
    assert_eq!(decisions[1], Err(Refusal::InsufficientFunds { available: amount(40) }));
    assert_eq!(written(decisions[2].clone().expect("drawn")).balance, amount(0));
}

pub async fn a_card_made_in_a_group_is_seen_by_the_next_order(f: Fixture) {
    let mut create = f.create("card", 100);
    create.card.token = Some(f.new_token("value"));
    let orders = vec![
        f.order(create),
        f.order(f.draw(by_token("value"), "one", 40)),
        f.order(f.create("card", 5)),
        f.order(f.draw(by_id("card"), "two", 60)),
    ];
    let decisions = f.submit_all(orders).await;
    assert_eq!(decisions[2], Err(Refusal::CardIdTaken { places: vec![0] }));
    assert!(decisions[1].is_ok() && decisions[3].is_ok());
    assert_eq!(f.read("card").await.card.available(), amount(0));
}

pub async fn racing_drawdowns_use_a_single_use_token_once(f: Fixture) {
    let mut token = f.new_token("once");
    token.expires_after_transaction = true;
    f.has_card_with_token("card", 1_000, token).await;
    let orders = (0..20).map(|sale| f.order(f.draw(by_token("once"), &format!("{sale}"), 1))).collect();
    let decisions = f.submit_all(orders).await;
    assert_eq!(decisions.iter().filter(|decision| decision.is_ok()).count(), 1);
    let used = decisions.iter().filter(|decision| **decision == Err(Refusal::TokenUsed)).count();
    assert_eq!(used, 19);
}

pub async fn racing_creations_of_one_id_make_one_card(f: Fixture) {
    let orders = (0..20).map(|_| f.order(f.create("card", 1))).collect();
    let decisions = f.submit_all(orders).await;
    assert_eq!(decisions.iter().filter(|decision| decision.is_ok()).count(), 1);
    assert_eq!(f.list(&every_card(f.now())).await, ["card"]);
}

pub async fn racing_activations_make_one(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let orders = (0..20).map(|_| f.order(f.activate("card", 500))).collect();
    let decisions = f.submit_all(orders).await;
    assert_eq!(decisions.iter().filter(|decision| decision.is_ok()).count(), 1);
    assert_eq!(f.read("card").await.card.funds, amount(500));
}

/// An order that spoils its group is answered alone; the others are carried out as if it had not been there.
pub async fn a_token_collision_spoils_no_order_beside_it(f: Fixture) {
    f.has_card_with_token("other", 1, f.new_token("value")).await;
    let mut collides = f.create("collides", 100);
    collides.card.token = Some(f.new_token("value"));
    let orders = vec![
        f.order(f.create("before", 100)),
        f.order(collides),
        f.order(f.create("after", 100)),
        f.order(f.draw(by_id("before"), "sale", 100)),
    ];
    let decisions = f.submit_all(orders).await;
    assert_eq!(decisions[1], Err(Refusal::TokenCollision));
    assert!(decisions[0].is_ok() && decisions[2].is_ok() && decisions[3].is_ok());
    assert_eq!(f.list(&every_card(f.now())).await, ["after", "before", "other"]);
}

/// An id that the server made twice is a fault of the server's; the other order of the group still counts.
pub async fn an_order_that_cannot_be_written_fails_alone(f: Fixture) {
    let made = f.has_card("card", 100).await;
    let mut twice = f.create("twice", 100);
    twice.card.uuid = made.uuid;
    let (faulty, sound) =
        (f.try_submit(f.aid, f.order(twice)), f.try_submit(f.aid, f.order(f.create("sound", 1))));
    let (faulty, sound) = tokio::join!(faulty, sound);
    assert!(matches!(faulty, Err(Error::Internal(_))), "{faulty:?}");
    assert!(matches!(sound, Ok(Ok(Outcome::CardCreated(_)))));
    assert_eq!(f.list(&every_card(f.now())).await, ["sound", "card"]);
    assert_eq!(f.read("card").await.card, made);
}

pub async fn accounts_in_one_group_keep_apart(f: Fixture) {
    let other = aid("P00000002");
    let first = domain::Client { uuid: f.client, ..f.new_client("first", "admin:accounts admin:wallets") };
    f.add_account(other, &first).await;
    let (one, two) = (f.order(f.create("card", 100)), f.order(f.create("card", 200)));
    let (one, two) = tokio::join!(f.try_submit(f.aid, one), f.try_submit(other, two));
    assert!(matches!((one, two), (Ok(Ok(_)), Ok(Ok(_)))));
    let read =
        f.store.card(other, &card_id("card"), false, f.now()).await.expect("readable").expect("a card");
    assert_eq!((f.read("card").await.card.funds, read.card.funds), (amount(100), amount(200)));
}

/// The order that ends a client counts before the orders behind it.
pub async fn an_order_behind_the_end_of_its_client_moves_no_money(f: Fixture) {
    f.has_card("card", 100).await;
    let till = f.new_client("till", "write:wallets");
    let actor = Actor::Client { uuid: till.uuid, generation: 0 };
    let delete = ChangeClient::Delete(till.uuid);
    f.done(ChangeClient::Create(till)).await;
    let orders = vec![
        f.order_of(actor, f.draw(by_id("card"), "before", 1)),
        f.order(delete),
        f.order_of(actor, f.draw(by_id("card"), "after", 1)),
    ];
    let decisions = f.submit_all(orders).await;
    assert!(decisions[0].is_ok());
    assert_eq!(decisions[2], Err(Refusal::ClientGone));
}

pub async fn money_and_batches_come_through_together(f: Fixture) {
    f.has_card("card", 1_000).await;
    let mut orders = Vec::new();
    for turn in 0..20 {
        orders.push(f.order(f.batch(&[&format!("batch {turn}")])));
        orders.push(f.order(f.draw(by_id("card"), &format!("{turn}"), 1)));
    }
    assert!(f.submit_all(orders).await.iter().all(Result::is_ok));
    assert_eq!(f.read("card").await.card.drawdown, amount(20));
    assert_eq!(f.list(&every_card(f.now())).await.len(), 21);
}

/// No change of a card is dated before the one it follows.
pub async fn a_clock_set_back_dates_no_change_before_the_last_one(f: Fixture) {
    let made = f.has_card("card", 100).await;
    f.clock.move_ms(-10_000);
    let drawn = f.drawn(f.draw(by_id("card"), "sale", 1)).await;
    assert_eq!((drawn.created_at, drawn.seq), (made.changed_at, 2));
    assert_eq!(f.read("card").await.card.changed_at, made.changed_at);
}

pub async fn a_clock_set_back_does_not_revive_a_card(f: Fixture) {
    let mut create = f.create("card", 100);
    create.card.dates.expires_at = Some(f.in_seconds(60));
    f.done(create).await;
    f.clock.move_ms(30_000);
    f.drawn(f.draw(by_id("card"), "one", 1)).await;
    f.clock.move_ms(30_000);
    assert_eq!(f.refused(f.draw(by_id("card"), "two", 1)).await, Refusal::CardExpired);
}

pub async fn after_an_answer_every_read_shows_it(f: Fixture) {
    f.has_card("card", 1_000).await;
    for sale in 1..=50 {
        f.drawn(f.draw(by_id("card"), &format!("{sale}"), 1)).await;
        let id = card_id("card");
        let read = || f.store.card(f.aid, &id, false, f.now());
        let (first, second, third) = tokio::join!(read(), read(), read());
        for read in [first, second, third] {
            let read = read.expect("readable").expect("a card");
            assert_eq!(read.card.drawdown, amount(sale));
        }
    }
}

/// Every kind of order at once, through one group or many: all are answered, each for itself.
pub async fn orders_of_every_kind_come_through_together(f: Fixture) {
    f.done(f.batch(&["batch card", "pin card"])).await;
    f.has_card("card", 100).await;
    let mut note = f.create("note", 10);
    note.card.kind = CardType::CreditNote;
    let rotate = domain::RotatePin { card_id: card_id("pin card"), pin: pin("new") };
    let orders = vec![
        f.keyed(Operation::CreateCard, "key", "request", note),
        f.order(f.activate("batch card", 10)),
        f.order(rotate),
        f.order(f.token_for("card", "token", "value")),
        f.order(f.draw(by_id("card"), "sale", 1)),
        f.order(f.delete("pin card")),
        f.order(ChangeClient::Create(f.new_client("till", "read:wallets"))),
    ];
    let decisions = f.submit_all(orders).await;
    assert!(decisions.iter().all(Result::is_ok), "{decisions:?}");
}
