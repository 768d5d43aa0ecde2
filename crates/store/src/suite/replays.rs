//! Orders that are sent again under the same key.

use domain::{ClientUuid, Decision, Operation, Outcome, Refusal, Replay, ReplayKey};

use super::fixture::*;

fn replayed(decision: Decision) -> Replay {
    match decision {
        Ok(Outcome::Replayed(replay)) => replay,
        other => panic!("not replayed: {other:?}"),
    }
}

pub async fn a_replayed_batch_is_not_made_again(f: Fixture) {
    let order = f.keyed(Operation::CreateBatch, "key", "request", f.batch(&["a", "b"]));
    let made_at = f.now();
    assert!(matches!(f.submit(order.clone()).await, Ok(Outcome::BatchCreated(_))));
    f.clock.move_ms(1_000);
    // A repeat comes with ids and secrets of its own, which are thrown away.
    let again = f.keyed(Operation::CreateBatch, "key", "request", f.batch(&["a", "b"]));
    let replay = replayed(f.submit(again).await);
    let kept = order.idempotency.map(|claim| claim.sealed);
    assert_eq!((Some(replay.sealed), replay.created_at), (kept, made_at));
    assert_eq!(f.list(&every_card(f.now())).await, ["b", "a"]);
}

pub async fn the_same_key_with_another_request_is_refused(f: Fixture) {
    f.submit(f.keyed(Operation::CreateCard, "key", "one", f.create("a", 1))).await.expect("made");
    let other = f.keyed(Operation::CreateCard, "key", "two", f.create("b", 1));
    assert_eq!(f.submit(other).await, Err(Refusal::IdempotencyKeyReused));
    assert_eq!(f.list(&every_card(f.now())).await, ["a"]);
}

pub async fn a_refused_order_keeps_nothing_under_its_key(f: Fixture) {
    f.has_card("a", 1).await;
    let refused = f.keyed(Operation::CreateCard, "key", "one", f.create("a", 1));
    assert!(matches!(f.submit(refused).await, Err(Refusal::CardIdTaken { .. })));
    let other = f.keyed(Operation::CreateCard, "key", "two", f.create("b", 1));
    assert!(f.submit(other).await.is_ok());
}

pub async fn a_key_counts_within_one_operation(f: Fixture) {
    f.submit(f.keyed(Operation::CreateCard, "key", "one", f.create("a", 1))).await.expect("made");
    let other = f.keyed(Operation::CreateBatch, "key", "one", f.batch(&["b"]));
    assert!(matches!(f.submit(other).await, Ok(Outcome::BatchCreated(_))));
}

pub async fn a_key_runs_out_after_a_day(f: Fixture) {
    f.submit(f.keyed(Operation::CreateCard, "key", "one", f.create("a", 1))).await.expect("made");
    f.clock.move_ms(DAY_MS - 1);
    replayed(f.submit(f.keyed(Operation::CreateCard, "key", "one", f.create("b", 1))).await);
    f.clock.move_ms(1);
    let anew = f.keyed(Operation::CreateCard, "key", "two", f.create("b", 1));
    assert!(matches!(f.submit(anew).await, Ok(Outcome::CardCreated(_))));
    replayed(f.submit(f.keyed(Operation::CreateCard, "key", "two", f.create("c", 1))).await);
}

pub async fn a_kept_answer_is_read_until_it_runs_out(f: Fixture) {
    let key = f.replay_key(Operation::CreateCard, "key");
    assert_eq!(f.store.replay(f.aid, key).await, Ok(None));
    let order = f.keyed(Operation::CreateCard, "key", "one", f.create("a", 1));
    let claim = order.idempotency.clone().expect("a claim");
    f.submit(order).await.expect("made");
    let expected = Replay { request: claim.request, sealed: claim.sealed, created_at: f.now() };
    f.clock.move_ms(DAY_MS - 1);
    assert_eq!(f.store.replay(f.aid, key).await, Ok(Some(expected)));
    f.clock.move_ms(1);
    assert_eq!(f.store.replay(f.aid, key).await, Ok(None));
}

pub async fn a_kept_answer_is_its_clients_alone(f: Fixture) {
    f.submit(f.keyed(Operation::CreateCard, "key", "one", f.create("a", 1))).await.expect("made");
    let key = f.replay_key(Operation::CreateCard, "key");
    let others = ReplayKey { client: ClientUuid(f.uuid()), ..key };
    assert_eq!(f.store.replay(f.aid, others).await, Ok(None));
}

pub async fn what_has_run_out_is_forgotten_and_no_more(f: Fixture) {
    for card in ["a", "b"] {
        f.submit(f.keyed(Operation::CreateCard, card, card, f.create(card, 1))).await.expect("made");
    }
    f.clock.move_ms(1);
    f.submit(f.keyed(Operation::CreateCard, "c", "c", f.create("c", 1))).await.expect("made");
    f.clock.move_ms(DAY_MS - 1);
    assert_eq!(f.store.forget_replays(f.aid, f.now()).await, Ok(2));
    assert_eq!(f.store.forget_replays(f.aid, f.now()).await, Ok(0));
    f.clock.move_ms(-1);
    let kept = f.store.replay(f.aid, f.replay_key(Operation::CreateCard, "c")).await;
    assert!(matches!(kept, Ok(Some(_))));
}

/// Repeats that come while the first is still under way: one card, one answer with its secrets each.
pub async fn twenty_racing_equal_keys_make_one_batch(f: Fixture) {
    let orders: Vec<_> =
        (0..20).map(|_| f.keyed(Operation::CreateBatch, "key", "request", f.batch(&["a"]))).collect();
    let decisions = f.submit_all(orders).await;
    let made = decisions.iter().filter(|decision| matches!(decision, Ok(Outcome::BatchCreated(_)))).count();
    let repeated = decisions.iter().filter(|decision| matches!(decision, Ok(Outcome::Replayed(_)))).count();
    assert_eq!((made, repeated), (1, 19));
    assert_eq!(f.list(&every_card(f.now())).await, ["a"]);
}

/// A token that exists spoils the order, not what is kept of others beside it.
pub async fn a_token_collision_keeps_nothing_under_its_key(f: Fixture) {
    f.has_card_with_token("other", 1, f.new_token("token of a")).await;
    let collides = f.keyed(Operation::CreateBatch, "key", "request", f.batch(&["a"]));
    assert_eq!(f.submit(collides).await, Err(Refusal::TokenCollision));
    let mut batch = f.batch(&["a"]);
    batch.cards[0].token = Some(f.new_token("fresh"));
    let anew = f.keyed(Operation::CreateBatch, "key", "request", batch);
    assert!(matches!(f.submit(anew).await, Ok(Outcome::BatchCreated(_))));
}
