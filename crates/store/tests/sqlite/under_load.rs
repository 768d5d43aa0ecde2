//! Many orders at once: what is grouped, what outlives its caller, what is refused.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use domain::Outcome;
use store::suite::fixture::{amount, by_id, card_id, soon, time};
use store::{Error, Store as _};

use super::gate::Gate;
use super::{World, closed, open};

async fn gated() -> (World, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let world = World::with(gate.clone(), Arc::clone(&gate.clock)).await;
    (world, gate)
}

/// Polls a future once, by which an order is accepted.
async fn accepted<F: Future + ?Sized>(mut order: Pin<&mut F>) {
    poll_fn(|context| {
        assert!(order.as_mut().poll(context).is_pending(), "answered too early");
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn orders_that_wait_are_committed_together() {
    let (world, gate) = gated().await;
    world.f.has_card("card", 1_000).await;
    let before = world.store.load();
    gate.shut();
    let orders = (0..101).map(|sale| world.f.order(world.f.draw(by_id("card"), &format!("{sale}"), 1)));
    let opener = async {
        // By now the committer has taken the first order, and the rest wait behind it.
        gate.until_it_waits();
        gate.open();
    };
    let (decisions, ()) = tokio::join!(world.f.submit_all(orders.collect()), opener);
    assert!(decisions.iter().all(Result::is_ok));
    let after = world.store.load();
    assert_eq!(after.orders_total - before.orders_total, 101);
    assert!(after.commits_total - before.commits_total <= 2, "{before:?} {after:?}");
}

#[tokio::test]
async fn an_order_whose_caller_went_away_is_carried_out() {
    let (world, gate) = gated().await;
    world.f.has_card("card", 1_000).await;
    gate.shut();
    let draw = |sale: &str| world.f.order(world.f.draw(by_id("card"), sale, 1));
    let mut first = Box::pin(world.f.try_submit(world.f.aid, draw("first")));
    accepted(first.as_mut()).await;
    gate.until_it_waits();
    let mut second = Box::pin(world.f.try_submit(world.f.aid, draw("second")));
    accepted(second.as_mut()).await;
    drop((first, second));
    gate.open();
    let aid = world.f.aid;
    let dir = closed(world).await;
    let again = open(dir.path(), gate);
    let read = again.card(aid, &card_id("card"), false, time(0)).await.expect("readable").expect("a card");
    assert_eq!(read.card.drawdown, amount(2));
}

#[tokio::test]
async fn an_order_is_given_up_when_its_deadline_passes_in_the_queue() {
    let (world, gate) = gated().await;
    world.f.has_card("card", 1_000).await;
    gate.shut();
    let draw = |sale: &str| world.f.order(world.f.draw(by_id("card"), sale, 1));
    let mut first = Box::pin(world.f.try_submit(world.f.aid, draw("first")));
    accepted(first.as_mut()).await;
    gate.until_it_waits();
    let deadline = Instant::now() + Duration::from_millis(1);
    let mut late = Box::pin(world.store.submit(world.f.aid, draw("late"), deadline));
    accepted(late.as_mut()).await;
    while Instant::now() < deadline {
        std::hint::spin_loop();
    }
    gate.open();
    assert!(matches!(first.await, Ok(Ok(Outcome::Written(..)))));
    assert_eq!(late.await, Err(Error::Overloaded));
    assert_eq!(world.f.read("card").await.card.drawdown, amount(1));
}

#[tokio::test]
async fn one_account_fills_no_more_than_its_quarter_of_the_queue() {
    let (world, gate) = gated().await;
    gate.shut();
    let order = || world.f.order(world.f.create("card", 1));
    let mut first = Box::pin(world.f.try_submit(world.f.aid, order()));
    accepted(first.as_mut()).await;
    gate.until_it_waits();
    let mut waiting: Vec<_> =
        (0..2_048).map(|_| Box::pin(world.f.try_submit(world.f.aid, order()))).collect();
    for order in &mut waiting {
        accepted(order.as_mut()).await;
    }
    assert_eq!(world.f.try_submit(world.f.aid, order()).await, Err(Error::Overloaded));
    assert_eq!(world.store.load().queued_orders, 2_048);
    gate.open();
    assert!(first.await.expect("judged").is_ok());
    for order in waiting {
        assert!(order.await.expect("judged").is_err(), "the id is taken");
    }
}

/// Refusals and repeats leave nothing to make durable.
#[tokio::test]
async fn a_group_of_refusals_costs_no_commit() {
    let world = World::new().await;
    world.f.has_card("card", 1).await;
    let before = world.store.load().commits_total;
    world.f.refused(world.f.draw(by_id("card"), "sale", 2)).await;
    world.f.refused(world.f.create("card", 1)).await;
    assert_eq!(world.store.load().commits_total, before);
}

#[tokio::test]
async fn a_closed_store_takes_no_orders() {
    let world = World::new().await;
    world.store.check().await.expect("works");
    world.store.close().await.expect("closed");
    let order = world.f.order(world.f.create("late", 1));
    let refused = world.store.submit(world.f.aid, order, soon()).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))));
    assert!(matches!(world.store.check().await, Err(Error::Unavailable(_))));
}
